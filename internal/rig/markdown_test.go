package rig

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteMarkdownReplacesOnlyBetweenTheMarks(t *testing.T) {
	const begin, end = "<!-- x:begin (written by -markdown, not by hand) -->", "<!-- x:end -->"
	path := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(path, []byte("before\n"+begin+"\nold\n"+end+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time must change nothing
		if err := writeMarkdown(path, "x", "\nbody\n"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := "before\n" + begin + "\n\nbody\n\n" + end + "\nafter\n"; string(text) != want {
			t.Fatalf("got\n%s\nwant\n%s", text, want)
		}
	}
	if err := writeMarkdown(path, "y", "body"); err == nil {
		t.Error("a file without y's marks was accepted")
	}
}
