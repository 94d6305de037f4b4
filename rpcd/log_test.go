package rpcd

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzPrintable checks that the result is one line of text and of bounded length,
// and that it shows the original bytes.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "plain ü", "a\nb\x1b[2J\xff", "\u009b", "\"\\", "\u2028\u202e", strings.Repeat("\x00", 3000), strings.Repeat("ü", 600)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || len(got) > 10*maxLogged {
			t.Fatalf("%q becomes %q", s, got)
		}
		again, err := strconv.Unquote("\"" + got + "\"")
		if len(s) > maxLogged {
			s = s[:maxLogged] + "..."
		}
		if err != nil || again != s {
			t.Fatalf("%q becomes %q, which says %q, %v", s, got, again, err)
		}
	})
}

// fault: 56 89
func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain ü":                 "plain ü",
		"a\nb\x1b[2J\xff":         `a\nb\x1b[2J\xff`,
		strings.Repeat("x", 3000): strings.Repeat("x", maxLogged) + "...",
	} {
		if got := printable(s); got != want {
			t.Errorf("%.50q: %.50q", s, got)
		}
	}
}
