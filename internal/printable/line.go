// Package printable makes texts safe to show on a terminal. It knows nothing of
// where they come from.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line gives s with "?" for everything that a terminal would obey: what a worker
// or a file system says may hold escape sequences. Replaced are control
// characters, bytes that aren't UTF-8, the two Unicode characters that end a
// line, and those that turn the direction of a text (Bidi_Control, UAX #9).
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || Obeyed(r) {
			return '?'
		}
		return r
	}, s)
}

// Obeyed says whether a terminal obeys a character instead of showing it.
func Obeyed(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}
