package client

import (
	"strings"
	"unicode/utf8"
)

// Clean makes a text safe for a terminal: what a worker says may hold escape
// sequences. Control bytes and bytes that aren't UTF-8 become "?".
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}
