package client

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a text safe for a terminal: what a worker says may hold escape
// sequences. Control bytes, bytes that aren't UTF-8, and what turns the direction
// of a text or begins a line become "?".
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}
