package main

import (
	"fmt"
	"slices"
	"strings"
)

// codeColumns are the tables' columns that hold what is typed, by their heads: true
// where each word stands for itself, false where a line does.
var codeColumns = map[string]bool{"file": false, "example": false, "variable": false, "variables": true}

// generated says on top of a page that it isn't to be edited.
const generated = "<!-- Written by go generate ./internal/docs from %s, which `rpcd help %s` prints. -->\n\n"

// markdown makes a page of a text of package manual, whose comment says what its
// indents mean. The first heading is the page's.
func markdown(text, source, topic string) (string, error) {
	page := fmt.Sprintf(generated, source, topic)
	level := "#"
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		lines := strings.Split(block, "\n")
		switch indent := len(block) - len(strings.TrimLeft(block, " ")); indent {
		case 0:
			page += level + " " + block + "\n\n"
			level = "##"
		case 2:
			for i, line := range lines {
				lines[i] = strings.TrimSpace(line)
			}
			page += escape(strings.Join(lines, " ")) + "\n\n"
		case 4:
			page += table(lines) + "\n"
		default:
			return "", fmt.Errorf("a block with an indent of %d: %q", indent, lines[0])
		}
	}
	return strings.TrimSuffix(page, "\n"), nil
}

// cells gives the heads of a table, and of each row the cells, which are lines.
// Columns begin where those of the first line do.
func cells(lines []string) (heads []string, rows [][][]string) {
	var starts []int
	head := lines[0]
	for at := range head {
		if head[at] != ' ' && (at == 0 || at > 1 && head[at-2:at] == "  ") {
			starts = append(starts, at)
		}
	}
	cut := func(line string) (cells []string) {
		for i, start := range starts {
			end := len(line)
			if i+1 < len(starts) {
				end = min(end, starts[i+1])
			}
			cells = append(cells, strings.TrimSpace(line[min(start, end):end]))
		}
		return cells
	}
	heads = cut(head)
	for _, line := range lines[1:] {
		cells := cut(line)
		if cells[0] != "" {
			rows = append(rows, make([][]string, len(heads)))
		}
		for i, cell := range cells {
			if row := rows[len(rows)-1]; cell != "" {
				row[i] = append(row[i], cell)
			}
		}
	}
	return heads, rows
}

// table makes a table of Markdown.
func table(lines []string) string {
	heads, rows := cells(lines)
	out := "| " + strings.Join(heads, " | ") + " |\n|" + strings.Repeat("---|", len(heads)) + "\n"
	for _, row := range rows {
		for i, cell := range row {
			out += "| " + cellText(heads[i], cell) + " "
		}
		out += "|\n"
	}
	return out
}

// cellText writes the lines of one cell of the column with that head.
func cellText(head string, lines []string) string {
	words, code := codeColumns[head]
	text := strings.Join(lines, " ")
	if !code || strings.HasPrefix(text, "(") {
		return escape(text)
	}
	spans := slices.Clone(lines)
	if words {
		spans = strings.Fields(text)
	}
	return "`" + strings.Join(spans, "` `") + "`"
}

// escape keeps Markdown from taking a byte for its own, but for backticks.
func escape(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 { // the others are code
		parts[i] = strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "|", `\|`).Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
