package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/internal/printable"
	"rpcd/rpcd/duration"
)

// pingPause is between two tries of ping --wait.
const pingPause = 50 * time.Millisecond

func pingCommand() *cobra.Command {
	var wait duration.Value
	var asJSON bool
	c := &cobra.Command{
		Use:   "ping [--wait D] WORKER...",
		Short: "ask whether workers serve, and how long the answer takes",
		Long: `Ask whether workers serve, and how long the answer takes: a line for each
replica, and on stderr one for each worker that doesn't serve. The exit status
is 0 when all do.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return upWorkers(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			return ping(c.OutOrStdout(), args, time.Duration(wait), asJSON)
		},
	}
	c.Flags().Var(&wait, "wait", "how long to try on while a worker isn't there")
	c.Flags().Lookup("wait").DefValue = ""
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, also what doesn't serve")
	return c
}

// pinged is a replica, or a worker that doesn't serve, as ping --json shows it.
type pinged struct {
	Worker     string  `json:"worker"`
	Socket     string  `json:"socket,omitempty"`
	State      string  `json:"state"` // up, draining, down, denied, silent
	Error      string  `json:"error,omitempty"`
	RTTSeconds float64 `json:"rtt_seconds,omitempty"`
	Running    uint32  `json:"running"`
	Waiting    uint32  `json:"waiting"`

	failed bool // the worker doesn't serve, which is told on stderr
}

// ping asks all workers side by side, for as long as wait. It fails where one doesn't
// serve, and tells on stderr why.
func ping(out io.Writer, workers []string, wait time.Duration, asJSON bool) error {
	deadline := time.Now().Add(wait)
	found, errs := make([][]client.Info, len(workers)), make([]error, len(workers))
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() { found[i], errs[i] = pingUntil(w, deadline) })
	}
	wg.Wait()
	p := mayWait
	if wait > 0 {
		p = waited
	}
	rows := []pinged{}
	var failed error
	for i, w := range workers {
		for _, r := range found[i] {
			rows = append(rows, pinged{failed: errs[i] != nil, Worker: w, Socket: r.Socket, State: r.State, RTTSeconds: r.RTT.Seconds(), Running: r.Load.Running, Waiting: r.Load.Waiting})
		}
		if errs[i] == nil {
			continue
		}
		err := adviseWorker(errs[i], nil, p)
		if len(found[i]) == 0 {
			rows = append(rows, pinged{failed: true, Worker: w, State: stateOf(err), Error: err.Error()})
		}
		fmt.Fprintf(os.Stderr, "rpc: %s\n", printable.Line(err.Error()))
		failed = &exitError{statusFailed, nil}
	}
	var err error
	if asJSON {
		err = writeJSON(out, rows)
	} else {
		err = writePings(out, rows)
	}
	if err != nil {
		return err
	}
	return failed
}

// pingUntil asks a worker until one of its replicas is up, or the deadline has come: the
// last try is then.
func pingUntil(worker string, deadline time.Time) ([]client.Info, error) {
	for {
		infos, err := client.Ping(context.Background(), worker, answerTime)
		// A worker that is lost on the way may be frozen, or behind a bridge whose far
		// end comes up.
		mayAnswer := err == nil || client.Retryable(err) || errors.Is(err, client.ErrLost)
		if err == nil && !anyUp(infos) {
			err = errors.New(worker + " is draining")
		}
		left := time.Until(deadline)
		if err == nil || !mayAnswer || left <= 0 {
			return infos, err
		}
		time.Sleep(min(pingPause, left))
	}
}

func anyUp(replicas []client.Info) bool {
	return slices.ContainsFunc(replicas, func(r client.Info) bool { return r.State == "up" })
}

// writePings writes a line for each replica of the workers that serve.
func writePings(w io.Writer, rows []pinged) error {
	for _, r := range rows {
		if r.failed {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s, %.3f ms, %d running, %d waiting\n",
			printable.Line(r.Socket), printable.Line(r.State), r.RTTSeconds*1000, r.Running, r.Waiting); err != nil {
			return err
		}
	}
	return nil
}
