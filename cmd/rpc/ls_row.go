package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rpcd/client"
	"rpcd/internal/printable"
	"rpcd/internal/reach"
)

// row is what ls shows of a worker; its JSON is what --json prints.
type row struct {
	Worker     string       `json:"worker"`
	State      string       `json:"state"` // up, draining, down, denied, silent
	Error      string       `json:"error,omitempty"`
	Replicas   []replicaRow `json:"replicas"`
	Procedures []procedure  `json:"procedures"`
	AnyCommand bool         `json:"any_command"` // what isn't listed may be called, too

	named bool // on the command line: its procedures are all shown
}

type replicaRow struct {
	Socket     string  `json:"socket"`
	State      string  `json:"state"`
	Version    string  `json:"version"`
	Running    uint32  `json:"running"`
	Waiting    uint32  `json:"waiting"`
	MaxCalls   uint32  `json:"max_calls"`
	MaxQueue   uint32  `json:"max_queue"`
	Calls      uint64  `json:"calls"`
	Refused    uint64  `json:"refused"`
	Lost       uint64  `json:"lost"`
	TimedOut   uint64  `json:"timed_out"`
	Signaled   uint64  `json:"signaled"`
	UpSeconds  float64 `json:"up_seconds"`
	RTTSeconds float64 `json:"rtt_seconds"`
}

type procedure struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Summary string `json:"summary"`
	// Of a resident procedure: of all replicas that answered.
	Workers *workersRow `json:"workers,omitempty"`
}

// workersRow is the resident workers of a procedure.
type workersRow struct {
	Wanted   uint32 `json:"wanted"`
	Warm     uint32 `json:"warm"`
	Busy     uint32 `json:"busy"`
	Restarts uint64 `json:"restarts"`
	Trouble  string `json:"trouble"`
}

// words say how they are; "": there are none.
func (w *workersRow) words() string {
	if w == nil {
		return ""
	}
	text := fmt.Sprintf("%d/%d warm, %d busy, %d restarts", w.Warm, w.Wanted, w.Busy, w.Restarts)
	if w.Trouble != "" {
		text += ": " + printable.Line(w.Trouble)
	}
	return text
}

// workersOf sums the resident workers of a procedure in a pool; nil: none has any.
func workersOf(name string, infos []client.Info) (sum *workersRow) {
	for _, i := range infos {
		for _, p := range i.Procedures {
			if p.Name != name || p.Workers.Wanted == 0 {
				continue
			}
			if sum == nil {
				sum = &workersRow{}
			}
			sum.Wanted += p.Workers.Wanted
			sum.Warm += p.Workers.Warm
			sum.Busy += p.Workers.Busy
			sum.Restarts += p.Workers.Restarts
			if sum.Trouble == "" {
				sum.Trouble = p.Workers.Trouble
			}
		}
	}
	return sum
}

// askRow asks a worker, for at most answerTime. The row of a worker that doesn't
// answer says why.
func askRow(worker string) row {
	r := row{Worker: worker, Replicas: []replicaRow{}, Procedures: []procedure{}}
	infos, err := client.List(context.Background(), worker, answerTime)
	if err != nil {
		err = adviseWorker(err, nil, noWait)
		r.State, r.Error = stateOf(err), err.Error()
		return r
	}
	r.State = "draining"
	for _, i := range infos {
		if i.State == "up" {
			r.State = "up"
		}
		r.Replicas = append(r.Replicas, replicaRow{
			Socket: i.Socket, State: i.State, Version: i.Version,
			Running: i.Load.Running, Waiting: i.Load.Waiting, MaxCalls: i.Load.MaxCalls, MaxQueue: i.Load.MaxQueue,
			Calls: i.Counters.Calls, Refused: i.Counters.Refused, Lost: i.Counters.Lost, TimedOut: i.Counters.TimedOut, Signaled: i.Counters.Signaled,
			UpSeconds: i.Counters.Up.Seconds(), RTTSeconds: i.RTT.Seconds(),
		})
	}
	r.AnyCommand = infos[0].AnyCommand
	for _, p := range infos[0].Procedures {
		r.Procedures = append(r.Procedures, procedure{p.Name, p.Type, p.Summary, workersOf(p.Name, infos)})
	}
	return r
}

// The states of a worker that doesn't answer.
const (
	isDown   = "down"   // nobody serves there
	isDenied = "denied" // not for this user
	isSilent = "silent" // it takes connections, and is frozen or starved
)

// stateOf says how a worker is that didn't answer.
func stateOf(err error) string {
	var cause *reach.Cause
	errors.As(err, &cause)
	switch {
	case errors.Is(err, client.ErrDenied), cause != nil && cause.Reason == reach.Denied:
		return isDenied
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), cause != nil && cause.Reason == reach.QueueFull:
		return isSilent
	}
	return isDown
}

func writeShort(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "WORKER\tSTATE\tPROCEDURES")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", printable.Line(r.Worker), stateWord(r), r.lastColumn())
	}
	return t.Flush()
}

func stateWord(r row) string {
	if len(r.Replicas) > 1 {
		return fmt.Sprintf("%s x%d", r.State, len(r.Replicas))
	}
	return r.State
}

// lastColumn is the worker's procedures, or why it didn't answer.
func (r row) lastColumn() string {
	switch {
	case r.Error != "":
		return printable.Line(r.Error)
	case r.AnyCommand && !r.named:
		return fmt.Sprintf("all commands (%d)", len(r.Procedures))
	}
	names := make([]string, len(r.Procedures))
	for i, p := range r.Procedures {
		names[i] = printable.Line(p.Name)
	}
	return strings.Join(names, " ")
}

// writeLong says of which kind a procedure is where there are several.
func writeLong(w io.Writer, rows []row) error {
	kinds := false
	for _, r := range rows {
		kinds = kinds || slices.ContainsFunc(r.Procedures, func(p procedure) bool { return p.Kind != "spawned" })
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", printable.Line(r.Worker), stateWord(r), printable.Line(r.Error))
		for _, p := range r.Replicas {
			fmt.Fprintf(t, "  %s\t%s\t%d/%d running, %d/%d waiting, %d calls, %d refused, %d lost, %d timed out, %d by signal, up %v, rpcd %s\n",
				printable.Line(p.Socket), printable.Line(p.State), p.Running, p.MaxCalls, p.Waiting, p.MaxQueue, p.Calls, p.Refused, p.Lost, p.TimedOut, p.Signaled,
				time.Duration(p.UpSeconds)*time.Second, printable.Line(p.Version))
		}
		for _, p := range r.Procedures {
			kind := printable.Line(p.Kind) + "\t"
			if !kinds {
				kind = ""
			}
			summary := printable.Line(p.Summary)
			if words := p.Workers.words(); words != "" {
				summary = strings.TrimSpace(words + "  " + summary)
			}
			fmt.Fprintf(t, "  %s\t%s%s\n", printable.Line(p.Name), kind, summary)
		}
	}
	return t.Flush()
}
