package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestManualPages: the pages of package manual are what go generate would write.
func TestManualPages(t *testing.T) {
	top, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manuals {
		want, err := m.page()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(top, m.path()))
		if err != nil || string(got) != want {
			t.Errorf("%s is out of date (run go generate ./internal/docs): %v", m.path(), err)
		}
	}
}

func TestMarkdown(t *testing.T) {
	text := `The title

  A paragraph of two
  lines, with a_b and ` + "`a_b`" + `.

A heading

    file  what it holds   example
    run   a program with  A=1
          a run bit | *   B=2
    x                     (empty)
`
	want := "<!-- Written by go generate ./internal/docs from a.txt, which `rpcd help a` prints. -->\n\n" +
		"# The title\n\nA paragraph of two lines, with a\\_b and `a_b`.\n\n## A heading\n\n" +
		"| file | what it holds | example |\n|---|---|---|\n" +
		"| `run` | a program with a run bit \\| \\* | `A=1` `B=2` |\n| `x` |  | (empty) |\n"
	got, err := markdown(text, "a.txt", "a")
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	if _, err := markdown("T\n\n   three\n", "a.txt", "a"); err == nil {
		t.Error("an indent of three has a meaning")
	}
}
