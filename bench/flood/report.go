package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// report is one run: its figures, the machine and the options.
type report struct {
	date    time.Time
	machine rig.Machine
	options options
	figures []*figures
}

// String gives the report as Markdown.
func (r report) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Measured %s: %d rounds of %v of flood and half as much of quiet, each. The flooder runs at nice %d.\n\n%s\n\n",
		r.date.Format(time.DateTime), r.options.rounds, r.options.phase, niceness, r.machine)
	lines := [][]string{{"an ordinary call", "quiet: median, p90", "flooded: median, p90", "ratio", "ratio of p90", "neighbour's ratio", "calls", "refused", "failed", "cores: flooder, rpcd"}}
	for _, f := range r.figures {
		quiet, under, other := rig.Summarize(f.quiet), rig.Summarize(f.under), rig.Summarize(f.neighbour)
		lines = append(lines, []string{f.attack.name, pair(quiet), pair(under),
			fmt.Sprintf("%.2f", under.Median/quiet.Median), fmt.Sprintf("%.2f", under.P90/quiet.P90), fmt.Sprintf("%.2f", other.Median/quiet.Median),
			fmt.Sprint(len(f.under)), fmt.Sprint(f.refused), fmt.Sprint(f.failed), fmt.Sprintf("%.2f, %.2f", f.flooderCPU, f.rpcdCPU)})
	}
	text.WriteString(rig.Table(lines))
	lines = [][]string{{"the flood", "connections", "answered", "refused in words", "dropped without", "unreached", "unanswered"}}
	for _, f := range r.figures {
		line := []string{f.attack.name + ": " + f.attack.text}
		t := f.tally
		for _, n := range []int64{t.Connections, t.Answered, t.Refused, t.Dropped, t.Unreached, t.Silence} {
			line = append(line, fmt.Sprint(n))
		}
		lines = append(lines, line)
	}
	text.WriteString("\n" + rig.Table(lines))
	lines = [][]string{{"rpcd", "before", "in the flood", "after"}}
	for _, f := range r.figures {
		lines = append(lines, []string{f.attack.name, inWords(f.before), inWords(f.height), inWords(f.after)})
	}
	text.WriteString("\n" + rig.Table(lines) + "\n")
	for _, f := range r.figures {
		for i, words := range slices.Sorted(maps.Keys(f.tally.Words)) {
			if i == mostWords {
				fmt.Fprintf(&text, "- %s: and %d texts more\n", f.attack.name, len(f.tally.Words)-i)
				break
			}
			fmt.Fprintf(&text, "- %s: %d times %q\n", f.attack.name, f.tally.Words[words], words)
		}
	}
	return text.String()
}

// mostWords is how many different texts of refusals a report shows for a flood.
const mostWords = 4

func pair(s rig.Summary) string { return fmt.Sprintf("%.1f, %.1f ms", s.Median*1e3, s.P90*1e3) }

// How much more rpcd may hold after a flood than before. Go's runtime keeps its
// threads, and gives memory back later.
const (
	threadsMore = 32
	memoryMore  = 24 // MB
)

// beyond reports whether u is more than rpcd may hold after a flood.
func beyond(u, before proc.Usage) bool {
	return u.Descriptors > before.Descriptors || u.Children > before.Children ||
		u.Threads > before.Threads+threadsMore || proc.MB(u.RSS) > proc.MB(before.RSS)+memoryMore
}

// leftBehind returns an error if rpcd holds more than it may after the flood.
func (f *figures) leftBehind() error {
	if beyond(f.after, f.before) {
		return fmt.Errorf("%s left something behind in rpcd: %s; before it were %s", f.attack.name, inWords(f.after), inWords(f.before))
	}
	return nil
}
