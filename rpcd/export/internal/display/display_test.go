package display

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzShellWord: a path in a cure is one clean word.
func FuzzShellWord(f *testing.F) {
	for _, name := range []string{"", "/bin/sh", "-n", "a b", "a'b", "$(x)", "`x`", "a\nb", "\x1b[2J", "\xff\xfe", "\u009b31m", "日本語", "a\x00b", "~", "!x", "a\\", "\"", "\u2028"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for what, got := range map[string]string{"word": ShellWord(path), "quote": Quote(path)} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) || len(got) > 20+10*len(path) {
				t.Fatalf("%s of %q: %q", what, path, got)
			}
		}
	})
}

// A shell reads a word of a cure as the path that was meant.
func TestWordInAShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("SKIPPED, needs bash")
	}
	paths := []string{"/plain", "/a b", "/it's", `/"`, "/$(touch x)", "/`x`", "/a\nb", "/\x1b[2J", "/\xff\xfe", "/日本", "/\u2028x", "/\u009b", "/a\\", `/\'x`, "/!h", "/~", "/*"}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		b := []byte("/")
		for range rnd.IntN(12) {
			b = append(b, byte(1+rnd.IntN(255)))
		}
		paths = append(paths, string(b))
	}
	words := make([]string, len(paths))
	for i, p := range paths {
		words[i] = ShellWord(p)
	}
	cmd := exec.Command(bash, "-c", `printf '%s\0' `+strings.Join(words, " "))
	cmd.Env = []string{"LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(got) != len(paths) {
		t.Fatalf("%d words, not %d", len(got), len(paths))
	}
	for i, p := range paths {
		if got[i] != p {
			t.Errorf("%q, written %s, reads as %q", p, words[i], got[i])
		}
	}
}
