package names

import (
	"strings"
	"testing"
)

func TestIsLogical(t *testing.T) {
	for _, path := range []string{"/", "//", "/a", "/a/", "/a//b", "/.a", "/..a/a..", "/...", "/a\n", "/" + strings.Repeat("x", MaxPath-1)} {
		if !IsLogical(path) {
			t.Errorf("%.30q isn't one", path)
		}
	}
	for _, path := range []string{"", "a", "./a", ".", "/.", "/..", "/a/.", "/a/../b", "/./a", "/a/..", "/" + strings.Repeat("x", MaxPath)} {
		if IsLogical(path) {
			t.Errorf("%.30q is one", path)
		}
	}
}
