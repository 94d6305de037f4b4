package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// columnGap is how many blanks stand between columns.
const columnGap = 2

// table is rows of cells, which stand one below the other. The last cell of a row is
// as long as it likes.
type table [][]string

func (t *table) row(cells ...string) { *t = append(*t, cells) }

// widths gives how wide each column is, with the gap behind it.
func (t table) widths() (widths []int) {
	for _, row := range t {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell)+columnGap)
		}
	}
	return widths
}

// write writes the rows, at once.
func (t table) write(w io.Writer) error {
	var b strings.Builder
	widths := t.widths()
	for _, row := range t {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-width(cell)))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// width is how many characters of a text are shown. Each counts as one column, and
// colours as none. Texts of others hold no escapes: package printable sees to it.
func width(text string) (n int) {
	for text != "" {
		escape, rest := cutEscape(text)
		if escape == "" {
			_, size := utf8.DecodeRuneInString(text)
			rest = text[size:]
			n++
		}
		text = rest
	}
	return n
}

// cutEscape takes a colour off the front of a text.
func cutEscape(text string) (escape, rest string) {
	if !strings.HasPrefix(text, "\x1b") {
		return "", text
	}
	end := strings.IndexByte(text, 'm') + 1
	return text[:end], text[end:]
}

// shorten gives what fits into so many columns of a line. All its colours stay, since
// the last one takes the first back.
func shorten(line string, columns int) string {
	var b strings.Builder
	for shown := 0; line != ""; {
		escape, rest := cutEscape(line)
		if escape == "" {
			_, size := utf8.DecodeRuneInString(line)
			escape, rest = line[:size], line[size:]
			if shown++; shown > columns {
				escape = ""
			}
		}
		b.WriteString(escape)
		line = rest
	}
	return b.String()
}
