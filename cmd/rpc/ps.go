package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/client/replica"
	"rpcd/internal/printable"
)

func psCommand() *cobra.Command {
	var long, asJSON bool
	var watch watching
	c := &cobra.Command{
		Use:   "ps [WORKER...]",
		Short: "show calls that run or wait",
		Long: `Show the calls that run or wait, of the named workers or of all: their id (for
rpc kill), the caller's uid and gid, procedure, age, state and label. You see
calls of your own uid; root and the worker's own user see all.

With -l: the process at the worker, and the first arguments. A worker that
doesn't answer is told on stderr. The exit status is 1 then if it was named, or
if it may have calls; where nobody serves there are none.

States: waiting (in the queue), running, stopped (by its caller's Ctrl-Z),
ending (it got TERM or KILL from the worker).`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return upWorkers(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			return watch.show(c.OutOrStdout(), asJSON, func(out, told io.Writer, _ screen) error { return ps(out, told, args, long, asJSON) })
		},
	}
	c.Flags().BoolVarP(&long, "long", "l", false, "process and arguments, too")
	c.Flags().BoolVar(&asJSON, "json", false, "everything, as JSON")
	watch.add(c.Flags())
	return c
}

// calling is a call as ps shows it.
type calling struct {
	Worker     string   `json:"worker"`
	Socket     string   `json:"socket"`
	ID         string   `json:"id"`
	UID        uint32   `json:"uid"`
	GID        uint32   `json:"gid"`
	PID        uint32   `json:"pid"` // at the worker; 0: no process yet
	Procedure  string   `json:"procedure"`
	Args       []string `json:"args"` // the first of them, 256 bytes in all
	Label      string   `json:"label"`
	AgeSeconds float64  `json:"age_seconds"`
	State      string   `json:"state"` // waiting, running, stopped, ending
	Bridged    bool     `json:"bridged"`
}

// ps writes the calls of the workers that answer. It tells the others' errors to
// told, and fails where such a worker was named, or may have calls.
func ps(out, told io.Writer, workers []string, long, asJSON bool) error {
	named := len(workers) > 0
	workers, err := namedOrAll(workers)
	if err != nil {
		return err
	}
	found, errs := make([][]client.Running, len(workers)), make([]error, len(workers))
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() { found[i], errs[i] = client.Calls(context.Background(), w, answerTime) })
	}
	wg.Wait()
	calls := []calling{}
	pools := false
	for i, running := range found {
		sockets, _ := replica.Sockets(workers[i])
		pools = pools || len(sockets) > 1
		for _, r := range running {
			calls = append(calls, newCalling(workers[i], r))
		}
	}
	if asJSON {
		err = writeJSON(out, calls)
	} else {
		err = writeCalls(out, calls, pools, long)
	}
	for _, e := range errs {
		if e != nil {
			e = adviseWorker(e, nil, noWait)
			fmt.Fprintf(told, "rpc: %s\n", printable.Line(e.Error()))
			if err == nil && (named || stateOf(e) == isSilent) {
				err = &exitError{statusFailed, nil}
			}
		}
	}
	return err
}

func newCalling(worker string, r client.Running) calling {
	args := r.Args
	if args == nil {
		args = []string{} // in JSON a list, too
	}
	return calling{
		Worker: worker, Socket: r.Socket, ID: r.ID, UID: r.UID, GID: r.GID, PID: r.PID,
		Procedure: r.Procedure, Args: args, Label: r.Label, AgeSeconds: r.Age.Seconds(), State: string(r.State), Bridged: r.Bridged,
	}
}

// writeCalls writes a table. The label stands last, since it may hold blanks.
// Replicas are named where a worker is a pool, and processes and arguments in the
// long form.
func writeCalls(w io.Writer, calls []calling, pools, long bool) error {
	var t table
	row := func(worker, replica, id, caller, pid, procedure, arguments, age, state, label string) {
		cells := []string{worker}
		if pools {
			cells = append(cells, replica)
		}
		cells = append(cells, id, caller)
		if long {
			cells = append(cells, pid)
		}
		cells = append(cells, procedure)
		if long {
			cells = append(cells, arguments)
		}
		t.row(append(cells, age, state, label)...)
	}
	row("WORKER", "REPLICA", "ID", "CALLER", "PID", "PROCEDURE", "ARGUMENTS", "AGE", "STATE", "LABEL")
	for _, c := range calls {
		replica := strings.TrimSuffix(filepath.Base(c.Socket), ".sock")
		row(printable.Line(c.Worker), printable.Line(replica), printable.Line(c.ID), fmt.Sprintf("%d:%d", c.UID, c.GID), pid(c.PID),
			printable.Line(c.Procedure), arguments(c.Args), age(c.AgeSeconds), printable.Line(c.State), printable.Line(c.Label))
	}
	return t.write(w)
}

// pid is a process's number, or a dash where there is none yet.
func pid(n uint32) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatUint(uint64(n), 10)
}

// maxArguments is how many bytes of a call's arguments a row of ps shows.
const maxArguments = 60

// arguments are a call's, in quotes where a shell would take them apart. A dash
// stands for none.
func arguments(args []string) string {
	line := "-"
	for i, a := range args {
		if !plainWord(a) && len(a) <= maxArguments {
			a = strconv.Quote(a)
		}
		if i == 0 {
			line = ""
		} else {
			line += " "
		}
		if line += a; len(line) > maxArguments {
			return printable.Line(line[:maxArguments]) + "..."
		}
	}
	return printable.Line(line)
}

// age is short: tenths of a second up to a minute, then seconds.
func age(seconds float64) string {
	d := time.Duration(min(seconds, 1e9) * float64(time.Second)) // a worker may name more seconds than a Duration holds
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	}
	return d.Truncate(time.Second).String()
}
