package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// report is one run.
type report struct {
	date          time.Time
	machine       rig.Machine
	options       options
	strangers     *strangers
	calls         []*call
	faults        []fault
	before, after snapshot
	listing       *listing
	findings      []finding
	outcomes      map[string]*tally
	victims       int
	made          int // calls after the warm-up
}

// tally counts the calls with one outcome.
type tally struct{ passed, relayed, bridged, hit, unsafe int }

// listing is the steady worker's answer to `rpc ls`.
type listing struct {
	Running, Waiting               int
	Calls, Refused, Lost, Signaled uint64
	TimedOut                       uint64 `json:"timed_out"`
}

// count adds a call to the table of outcomes.
func (r *report) count(c *call, hit []fault, bad bool) {
	if r.outcomes == nil {
		r.outcomes = map[string]*tally{}
	}
	name := "the caller was killed"
	switch {
	case bad:
		name = "**found wanting**"
	case c.said != nil && c.expected():
		name = "as it should be: " + c.said.Outcome
	case c.said != nil:
		name = "by a fault: " + c.said.Outcome
	case !c.victim:
		name = "by a fault and its caller's signal"
	}
	if c.victim {
		r.victims++
	}
	t := r.outcomes[name]
	if t == nil {
		t = &tally{}
		r.outcomes[name] = t
	}
	*map[route]*int{passed: &t.passed, relayed: &t.relayed, bridged: &t.bridged}[c.route]++
	if len(hit) > 0 {
		t.hit++
	}
	if c.said != nil && c.said.Started && c.said.Outcome == "lost" {
		t.unsafe++
	}
}

// String gives the report as Markdown.
func (r *report) String() string {
	var text strings.Builder
	o := r.options
	fmt.Fprintf(&text, "Measured %s: %v at %g calls a second, %g %% of callers killed, a fault each %v on average, seed %d.\n\n%s\n\n",
		r.date.Format(time.DateTime), o.length, o.rate, o.kills*100, o.faults, o.seed, r.machine)
	lines := [][]string{{"calls", "passed", "relayed", "bridged", "in a fault's time", "may have run"}}
	for _, name := range slices.Sorted(maps.Keys(r.outcomes)) {
		t := r.outcomes[name]
		lines = append(lines, []string{name, digits(t.passed), digits(t.relayed), digits(t.bridged), digits(t.hit), digits(t.unsafe)})
	}
	fmt.Fprintf(&text, "%s\n%d calls with those of the warm-up (then %.1f a second), %d callers killed; %s.\n\n", rig.Table(lines), len(r.calls),
		float64(r.made)/o.length.Seconds(), r.victims, r.faultWords())
	fmt.Fprintf(&text, "%s\n", r.strangers)
	text.WriteString(r.holdings())
	if l := r.listing; l != nil {
		fmt.Fprintf(&text, "\nThe steady worker counts %d calls, %d refused, %d lost, %d out of time, %d killed by a signal; %d running, %d waiting.\n",
			l.Calls, l.Refused, l.Lost, l.TimedOut, l.Signaled, l.Running, l.Waiting)
	}
	counts := map[breach]int{}
	for _, f := range r.findings {
		counts[f.breach]++
	}
	text.WriteString("\n")
	for _, s := range breaches {
		fmt.Fprintf(&text, "- %s: %d\n", s, counts[s])
	}
	for i, f := range r.findings {
		if i == mostShown {
			fmt.Fprintf(&text, "\nand %d more\n", len(r.findings)-i)
			break
		}
		fmt.Fprintf(&text, "\n%s%s: %s", f.breach, r.describe(f.call), tidy(f.text))
	}
	return strings.TrimSpace(text.String()) + "\n"
}

// holdings gives the table of what the daemons held before and after the calls.
func (r *report) holdings() string {
	a, b := r.after, r.before
	lines := [][]string{{"", "before", "after", "allowed more"}}
	for _, f := range []struct {
		name          string
		before, after any
		more          string
	}{
		{"steady rpcd: descriptors", b.steady.Descriptors, a.steady.Descriptors, "0"},
		{"threads", b.steady.Threads, a.steady.Threads, fmt.Sprint(threadsMore)},
		{"memory, MB (at most, ever)", megabytes(b.steady), megabytes(a.steady), fmt.Sprint(memoryMore)},
		{"children, zombies of them", fmt.Sprintf("%d, %d", b.steady.Children, b.steady.Zombies), fmt.Sprintf("%d, %d", a.steady.Children, a.steady.Zombies), "0"},
		{"fickle rpcd (not the same): descriptors", b.fickle.Descriptors, a.fickle.Descriptors, "0"},
		{"threads, MB", fmt.Sprintf("%d, %.1f", b.fickle.Threads, proc.MB(b.fickle.RSS)), fmt.Sprintf("%d, %.1f", a.fickle.Threads, proc.MB(a.fickle.RSS)), ""},
		{"processes besides daemons and bridges", b.processes, a.processes, "0"},
		{"files in the sockets' folder and TMPDIR", len(b.files), len(a.files), "0"},
		{"control groups of the steady rpcd, in use", fmt.Sprintf("%d, %d", b.groups, b.full), fmt.Sprintf("%d, %d", a.groups, a.full), fmt.Sprintf("%d in all, 0", groupsMost)},
	} {
		lines = append(lines, []string{f.name, fmt.Sprint(f.before), fmt.Sprint(f.after), f.more})
	}
	return rig.Table(lines)
}

// mostShown is how many findings the report shows one by one.
const mostShown = 40

func digits(n int) string { return fmt.Sprint(n) }

func megabytes(u proc.Usage) string {
	return fmt.Sprintf("%.1f (%.1f)", proc.MB(u.RSS), proc.MB(u.Peak))
}

func (r *report) faultWords() string {
	counts := map[cause]int{}
	for _, f := range r.faults {
		counts[f.what]++
	}
	var words []string
	for _, m := range []cause{drained, killed, cut} {
		words = append(words, fmt.Sprintf("%s: %d", m, counts[m]))
	}
	return strings.Join(words, ", ")
}

// describe gives the properties of the call with this number.
func (r *report) describe(id int) string {
	for _, c := range r.calls {
		if c.id == id && id != 0 {
			return fmt.Sprintf(" [call %d: %s, %s, %s, patient %v, victim %v, stopped %v, from %s for %v]", id, c.kind, c.route, workerNames[c.worker],
				c.waitsLong, c.victim, c.stopped, c.began.Format("15:04:05.000"), c.ended.Sub(c.began).Round(time.Millisecond))
		}
	}
	return ""
}

// listing asks the steady worker for its own counts, when all its calls are over.
// nil means that it didn't answer, which is a finding.
func (st *stage) listing(ctx context.Context) *listing {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, st.options.RPC, "ls", "--json", st.workerSocket(steady))
	cmd.Env = st.env
	text, err := cmd.Output()
	var workers []struct{ Replicas []listing }
	if err != nil || json.Unmarshal(text, &workers) != nil || len(workers) != 1 || len(workers[0].Replicas) != 1 {
		return nil
	}
	return &workers[0].Replicas[0]
}
