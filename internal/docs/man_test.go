package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// made writes the manual pages of the programs under test.
func made(t *testing.T) (programs, folder string) {
	t.Helper()
	programs, folder = testbin.Dir(t), t.TempDir()
	if err := writeMan(programs, folder, "0.1.0", "2026-01-02"); err != nil {
		t.Fatal(err)
	}
	return programs, folder
}

// TestManLint: neither man nor mandoc has anything to say about the pages.
func TestManLint(t *testing.T) {
	testkit.Need(t, "man", "mandoc")
	_, folder := made(t)
	for _, p := range manPages {
		file := filepath.Join(folder, p.name+"."+p.section)
		for _, check := range [][]string{
			{"man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", file},
			{"mandoc", "-Tlint", "-Wall", file},
		} {
			cmd := exec.Command(check[0], check[1:]...)
			var words strings.Builder
			cmd.Stderr = &words
			if check[0] == "mandoc" {
				cmd.Stdout = &words
			}
			if err := cmd.Run(); err != nil || words.Len() > 0 {
				t.Errorf("%q: %v\n%s", check, err, &words)
			}
		}
	}
}

// TestManAndHelp: a page has every verb and option of the help, and no others.
func TestManAndHelp(t *testing.T) {
	programs, folder := made(t)
	for _, p := range manPages[:2] {
		text, err := os.ReadFile(filepath.Join(folder, p.name+"."+p.section))
		if err != nil {
			t.Fatal(err)
		}
		help, err := exec.Command(filepath.Join(programs, p.program), "help").Output()
		if err != nil {
			t.Fatal(err)
		}
		verbs := regexp.MustCompile(`(?m)^  ([a-z]+) `).FindAllStringSubmatch(string(help), -1)
		if len(verbs) < 4 {
			t.Fatalf("%d verbs in the help", len(verbs))
		}
		_, sections, _ := strings.Cut(string(text), "\n.SH OPTIONS\n")
		sections, _, _ = strings.Cut(sections, "\n.SH ENVIRONMENT\n")
		parts := strings.Split(sections, "\n.SS ")
		if len(parts) != len(verbs)+1 {
			t.Errorf("%s has %d verbs, its page %d", p.program, len(verbs), len(parts)-1)
		}
		sameOptions(t, p.program+" help", string(help), parts[0])
		for i, verb := range verbs {
			if !strings.HasPrefix(parts[i+1], p.program+" "+verb[1]) {
				t.Errorf("the page has %.20q where %s should be", parts[i+1], verb[1])
			}
			help, err := exec.Command(filepath.Join(programs, p.program), verb[1], "--help").Output()
			if err != nil {
				t.Fatal(err)
			}
			part := parts[i+1]
			if strings.Contains(part, "Its options are those of OPTIONS.") {
				part = parts[0]
			}
			sameOptions(t, p.program+" help "+verb[1], string(help), part)
		}
	}
}

// sameOptions compares the options of a help with those of a page's part. Each
// verb has --help, and no part tells so.
func sameOptions(t *testing.T, what, help, part string) {
	t.Helper()
	_, help, _ = strings.Cut(help, "\nOptions:\n")
	option := regexp.MustCompile(`(?m)^  ( {4}|-\w, )(--[a-z0-9-]+)`)
	tag := regexp.MustCompile(`(?m)^\.TP\n\\fB(?:\\-\w, )?(\\-\\-(?:[a-z0-9]|\\-)+)`)
	var wanted, got []string
	for _, m := range option.FindAllStringSubmatch(help, -1) {
		wanted = append(wanted, m[2])
	}
	for _, m := range tag.FindAllStringSubmatch(part, -1) {
		got = append(got, strings.ReplaceAll(m[1], `\-`, "-"))
	}
	for _, list := range []*[]string{&wanted, &got} {
		*list = slices.DeleteFunc(*list, func(name string) bool { return name == "--help" })
		slices.Sort(*list)
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: the page has %v, the help %v", what, got, wanted)
	}
}

func TestParseHelpRefuses(t *testing.T) {
	for _, text := range []string{"no usage", "a\n\nUsage: b\n\nOptions:\n  what\n"} {
		if h, err := parseHelp(text); err == nil {
			t.Errorf("%q: %+v", text, h)
		}
	}
}

// TestAddsToNothing: a page mustn't speak of an option that is gone.
func TestAddsToNothing(t *testing.T) {
	m := &manPage{help: &helped{options: []option{{"--here", "x"}}}}
	err := m.blocks("OPTIONS\n\n  @options\n\n    option  more\n    --here  And more.\n    --gone  Much more.\n")
	if err == nil || !strings.Contains(err.Error(), "--gone") {
		t.Errorf("%v\n%s", err, m)
	}
}
