package printable

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// turns are what a terminal obeys though they aren't control characters: the
// ends of lines, and what turns the direction of a text (UAX #9).
const turns = "\u2028\u2029\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

func obeyed(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(turns, r) }

// FuzzLine: nothing that a terminal would obey, nothing lost, and printable text
// stays as it is.
// fault: 56
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"", "plain", "grün 日本語", "a\nb", "\x1b[2J\x1b]0;title\a", "\u009b31m", "\x9b31m", "\xff\xfe", "\x00", "tab\tcr\r", "\x7f",
		"\ufffd", "\xed\xa0\x80", "a\u202eb", "\u2028", strings.Repeat("é\x1b", 1000), turns,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, obeyed) {
			t.Fatalf("%q becomes %q", s, got)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(s) || len(got) > len(s) {
			t.Fatalf("%q becomes %q: another length", s, got)
		}
		if again := Line(got); again != got {
			t.Fatalf("%q becomes %q, then %q", s, got, again)
		}
		if utf8.ValidString(s) && !strings.ContainsFunc(s, obeyed) && !strings.ContainsRune(s, utf8.RuneError) && got != s {
			t.Fatalf("%q was printable, and becomes %q", s, got)
		}
	})
}
