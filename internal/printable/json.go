package printable

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// JSON gives a copy of a JSON text in which the characters that a terminal would
// obey are escaped (\u009b). It means the same as before. encoding/json escapes
// only those below U+0020, which so stay as they are: the text has them outside of
// strings alone, as newlines.
func JSON(text []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r >= ' ' && Obeyed(r) {
			fmt.Fprintf(&b, `\u%04x`, r) // none is over U+FFFF, which would need two
		} else {
			b.Write(text[:n])
		}
		text = text[n:]
	}
	return b.Bytes()
}
