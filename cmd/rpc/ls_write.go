package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rpcd/internal/printable"
)

// writeShort writes a line for each worker. A terminal's is as wide as that.
func writeShort(w io.Writer, rows []row, s screen) error {
	heads := table{{"WORKER", "STATE", ""}} // of each line
	for _, r := range rows {
		heads.row(printable.Line(r.Worker), stateWord(r, s), "")
	}
	left := s.columns
	for _, width := range heads.widths() {
		left -= width
	}
	t := table{{"WORKER", "STATE", "PROCEDURES"}}
	for i, r := range rows {
		worker, state := heads[i+1][0], heads[i+1][1]
		for _, line := range r.lastColumn(left) {
			t.row(worker, state, line)
			worker, state = "", ""
		}
	}
	return t.write(w)
}

func stateWord(r row, s screen) string {
	word := r.State
	if len(r.Replicas) > 1 {
		word = fmt.Sprintf("%s x%d", r.State, len(r.Replicas))
	}
	return s.state(r.State, word)
}

// state colours what is said of a state.
func (s screen) state(state, word string) string {
	switch state {
	case "up":
		return s.colour(green, word)
	case "draining":
		return s.colour(yellow, word)
	}
	return s.colour(red, word)
}

// lastColumn is the worker's procedures, or why it didn't answer, in lines of so many
// columns. Without a terminal there are none, and it is one line. What is left out is
// counted, and who names the worker sees all.
func (r row) lastColumn(columns int) []string {
	switch {
	case r.Error != "":
		return []string{printable.Line(r.Error)}
	case r.AnyCommand && !r.named:
		return []string{fmt.Sprintf("all commands (%d)", len(r.Procedures))}
	}
	names := make([]string, len(r.Procedures))
	for i, p := range r.Procedures {
		names[i] = printable.Line(p.Name)
	}
	line := strings.Join(names, " ")
	switch {
	case columns <= 0 || width(line) <= columns:
		return []string{line}
	case r.named:
		return wrap(names, columns)
	}
	for shown := len(names) - 1; shown > 0; shown-- {
		line := fmt.Sprintf("%s ... and %d more (rpc ls %s shows all)", strings.Join(names[:shown], " "), len(names)-shown, printable.Line(r.Worker))
		if width(line) <= columns {
			return []string{line}
		}
	}
	return []string{fmt.Sprintf("%d (rpc ls %s shows all)", len(names), printable.Line(r.Worker))}
}

// wrap gives lines of words, which are as long as the columns let them.
func wrap(words []string, columns int) (lines []string) {
	line := words[0]
	for _, word := range words[1:] {
		if width(line)+1+width(word) > columns {
			lines = append(lines, line)
			line = word
			continue
		}
		line += " " + word
	}
	return append(lines, line)
}

// longList is how many procedures of a worker that isn't named a terminal shows with
// ls -l: half a screen, so that other workers are seen as well.
const longList = 20

// writeLong says of which kind a procedure is where there are several.
func writeLong(w io.Writer, rows []row, s screen) error {
	kinds := false
	for _, r := range rows {
		kinds = kinds || slices.ContainsFunc(r.Procedures, func(p procedure) bool { return p.Kind != "spawned" })
	}
	var t table
	for _, r := range rows {
		t.row(printable.Line(r.Worker), stateWord(r, s), printable.Line(r.Error))
		for _, p := range r.Replicas {
			t.row("  "+printable.Line(p.Socket), s.state(p.State, printable.Line(p.State)), p.words())
		}
		shown := r.Procedures
		if s.terminal && !r.named && len(shown) > longList+1 { // a line isn't worth another
			shown = shown[:longList]
		}
		for _, p := range shown {
			cells := []string{"  " + printable.Line(p.Name)}
			if kinds {
				cells = append(cells, printable.Line(p.Kind))
			}
			t.row(append(cells, p.words())...)
		}
		if more := len(r.Procedures) - len(shown); more > 0 {
			t.row(fmt.Sprintf("  ... and %d more (rpc ls -l %s shows all)", more, printable.Line(r.Worker)))
		}
	}
	return t.write(w)
}

// words are the load, the limits and the counters of a replica.
func (p replicaRow) words() string {
	return fmt.Sprintf("%d/%d running, %d/%d waiting, %d calls, %d refused, %d lost, %d timed out, %d by signal, up %v, rpcd %s",
		p.Running, p.MaxCalls, p.Waiting, p.MaxQueue, p.Calls, p.Refused, p.Lost, p.TimedOut, p.Signaled,
		time.Duration(p.UpSeconds)*time.Second, printable.Line(p.Version))
}

// words are how a procedure's workers or a topic are, and the summary.
func (p procedure) words() string {
	summary := printable.Line(p.Summary)
	if words := p.Workers.words() + p.Topic.words(); words != "" {
		summary = strings.TrimSpace(words + "  " + summary)
	}
	return summary
}
