package printable

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzEscaped: one line of text, of bounded length, that says what it was
// made from.
func FuzzEscaped(f *testing.F) {
	for _, s := range []string{"", "plain ü", "a\nb\x1b[2J\xff", "\u009b", "\"\\", "\u2028\u202e", strings.Repeat("\x00", 3000), strings.Repeat("ü", 600)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escaped(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || len(got) > 10*MaxWord {
			t.Fatalf("%q becomes %q", s, got)
		}
		again, err := strconv.Unquote("\"" + got + "\"")
		if len(s) > MaxWord {
			s = s[:MaxWord] + "..."
		}
		if err != nil || again != s {
			t.Fatalf("%q becomes %q, which says %q, %v", s, got, again, err)
		}
	})
}

// fault: 56 89
func TestEscaped(t *testing.T) {
	for s, want := range map[string]string{
		"plain ü":                 "plain ü",
		"a\nb\x1b[2J\xff":         `a\nb\x1b[2J\xff`,
		strings.Repeat("x", 3000): strings.Repeat("x", MaxWord) + "...",
	} {
		if got := Escaped(s); got != want {
			t.Errorf("%.50q: %.50q", s, got)
		}
	}
}

func TestWords(t *testing.T) {
	if got := strings.Join(Words([]string{"a", "", "b\n"}), "|"); got != `a||b\n` {
		t.Errorf("%q", got)
	}
	got := Words([]string{strings.Repeat("x", MaxWord), strings.Repeat("x", MaxWord), strings.Repeat("x", MaxWord), strings.Repeat("x", MaxWord), "y", "z"})
	if last := got[len(got)-1]; len(got) != 4 || last != "... 3 more" {
		t.Errorf("%d words, the last is %q", len(got), last)
	}
}
