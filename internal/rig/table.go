package rig

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table writes lines as a Markdown table, of which the first is the head. It is
// padded, so that it reads well in a terminal too. A column that is empty in all
// other lines is left out.
func Table(lines [][]string) string {
	var text strings.Builder
	widths := make([]int, len(lines[0]))
	for column := range widths {
		for _, line := range lines[1:] {
			if line[column] != "" {
				widths[column] = max(widths[column], utf8.RuneCountInString(line[column]))
			}
		}
		if widths[column] > 0 {
			widths[column] = max(widths[column], utf8.RuneCountInString(lines[0][column]))
		}
	}
	for i, line := range lines {
		writeLine(&text, line, widths, " ", "")
		if i == 0 {
			writeLine(&text, make([]string, len(line)), widths, "-", "-")
		}
	}
	return text.String()
}

func writeLine(text *strings.Builder, line []string, widths []int, pad, edge string) {
	if edge == "" {
		edge = " "
	}
	for column, cell := range line {
		if widths[column] > 0 {
			fill := strings.Repeat(pad, widths[column]-utf8.RuneCountInString(cell))
			fmt.Fprintf(text, "|%s%s%s%s", edge, cell, fill, edge)
		}
	}
	text.WriteString("|\n")
}
