package main

import (
	"cmp"
	"fmt"
	"strings"

	"rpcd/internal/rig"
)

// table writes rows as Markdown, with one table for each section. Padding makes
// the tables readable in a terminal, too.
func table(rows []row) string {
	var text strings.Builder
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Section == rows[0].Section {
			n++
		}
		writeSection(&text, rows[:n])
		rows = rows[n:]
	}
	return text.String()
}

// writeSection writes the rows of one section.
func writeSection(text *strings.Builder, rows []row) {
	title := rows[0].Section
	if rows[0].Detail != "" {
		title += " (" + rows[0].Detail + ")"
	}
	lines := [][]string{{title, "median", "ratio to " + cmp.Or(rows[0].Against, "local"), "slower than ours", "goal", ""}}
	for _, r := range rows {
		lines = append(lines, cells(r))
	}
	text.WriteString(rig.Table(lines))
	text.WriteByte('\n')
}

// cells gives the columns of r. It replaces "|", which would end a cell.
func cells(r row) []string {
	median := strings.ReplaceAll(r.Trouble, "|", "/")
	if r.Value != nil && r.Trouble == "" {
		median = measure(r.Unit, r.Value.Median)
	}
	return []string{r.Name, median, spread(r.VsLocal, ""), spread(r.VsOurs, "x"), r.Goal, r.Verdict}
}

// spread writes a median ratio, and in brackets the 10th and 90th percentiles.
func spread(s *rig.Summary, sign string) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s%s (%s-%s)", digits(s.Median), sign, digits(s.P10), digits(s.P90))
}

// digits writes three significant figures, but two below 0.1, and no decimals from
// 100 on.
func digits(ratio float64) string {
	switch {
	case ratio >= 99.95:
		return fmt.Sprintf("%.0f", ratio)
	case ratio >= 9.995:
		return fmt.Sprintf("%.1f", ratio)
	case ratio < 0.0995:
		return fmt.Sprintf("%.2g", ratio)
	}
	return fmt.Sprintf("%.2f", ratio)
}
