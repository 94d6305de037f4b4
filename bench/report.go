package main

import (
	"encoding/json"
	"fmt"
	"os"

	"rpcd/internal/rig"
)

// report is one run: its figures, the machine and the options.
type report struct {
	Date    string      `json:"date"`
	Machine rig.Machine `json:"machine"`
	Options options     `json:"options"`
	Rows    []row       `json:"rows"`
}

// String gives the report as Markdown: the machine, the tables and the verdicts.
// A goal of a section that wasn't asked for counts as not measured.
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
