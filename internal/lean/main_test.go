package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGone sees that the cuts fit the releases of cobra and pflag in go.mod, and
// that nothing else of rpc brings back what they are for.
func TestGone(t *testing.T) {
	t.Chdir("../..")
	folder := t.TempDir()
	if err := write(folder); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "-overlay", filepath.Join(folder, "overlay.json"), "-deps", "./cmd/rpc").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	linked := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		linked[path] = true
	}
	if !linked["github.com/spf13/cobra"] {
		t.Errorf("rpc has no cobra:\n%s", out)
	}
	for _, path := range []string{"regexp", "text/template", "net", "flag"} {
		if linked[path] {
			t.Errorf("rpc has %s in it: go list -deps says who imports it", path)
		}
	}
}

func TestWithout(t *testing.T) {
	cuts := []cut{{"b", ""}, {"c", "CC"}}
	for _, tt := range []struct{ text, want, trouble string }{
		{"abcd", "aCCd", ""},
		{"acd", "", `it has "b" 0 times, not once`},
		{"abcdc", "", `it has "c" 2 times, not once`},
	} {
		got, err := without([]byte(tt.text), cuts)
		trouble := ""
		if err != nil {
			trouble = err.Error()
		}
		if string(got) != tt.want || trouble != tt.trouble {
			t.Errorf("%s: %q, %q, want %q, %q", tt.text, got, trouble, tt.want, tt.trouble)
		}
	}
}
