package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJSON: no text in JSON makes a terminal do something, and each arrives as it
// was.
// fault: 115
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "plain ü 日本語", "\u009b31m\u009d0;x\u009c", "\x7f", "a\nb\x1b[2J", "\\u009b", turns, "\U0001f600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		_ = e.Encode([]string{s}) // strings can't fail
		got := JSON(b.Bytes())
		if !utf8.Valid(got) || bytes.ContainsFunc(got, func(r rune) bool { return r != '\n' && obeyed(r) }) {
			t.Fatalf("%q becomes %q", s, got)
		}
		var again []string
		if err := json.Unmarshal(got, &again); err != nil || len(again) != 1 || again[0] != s {
			t.Fatalf("%q becomes %q, which says %q, %v", s, got, again, err)
		}
	})
}
