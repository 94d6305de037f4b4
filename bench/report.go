package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// report is one run: what was measured, on what, how.
type report struct {
	Date    string  `json:"date"`
	Machine machine `json:"machine"`
	Options options `json:"options"`
	Rows    []row   `json:"rows"`
}

// String is the report as Markdown: the machine, the tables, the verdicts.
// A goal whose section wasn't asked for counts as not measured.
func (r report) String() string {
	counts := map[string]int{}
	for _, row := range r.Rows {
		counts[row.Verdict]++
	}
	return fmt.Sprintf("%s\n\n%s\n\n%sGoals: %d met, %d not met, %d not measured.\n", r.heading(), r.Machine, table(r.Rows),
		counts[met], counts[notMet], len(goals)-counts[met]-counts[notMet])
}

func (r report) heading() string {
	text := fmt.Sprintf("Measured %s: %d rounds of %d calls, %d of throughput, %d of concurrency.",
		r.Date, r.Options.Rounds, r.Options.Calls, r.Options.Transfers, r.Options.Floods)
	if r.Options.Quick {
		text += " A quick run: for orientation only."
	}
	return text
}

// writeJSON writes all figures to path.
func (r report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// The lines between which writeMarkdown puts a report.
const (
	beginMark = "<!-- bench:begin (written by -markdown, not by hand) -->"
	endMark   = "<!-- bench:end -->"
)

// writeMarkdown replaces what stands between the marks in the file at path.
func (r report) writeMarkdown(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := between(string(text), r.String())
	if err != nil {
		return fmt.Errorf("cannot write the tables into %q: %w", path, err)
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}

// between returns text with body between the marks, each on its own line.
func between(text, body string) (string, error) {
	head, rest, begun := strings.Cut(text, beginMark)
	_, tail, ended := strings.Cut(rest, endMark)
	if !begun || !ended {
		return "", fmt.Errorf("it lacks the lines %q and %q", beginMark, endMark)
	}
	return head + beginMark + "\n\n" + strings.TrimSpace(body) + "\n\n" + endMark + tail, nil
}
