package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	c := &cobra.Command{
		Use:   "ping [--wait D] WORKER",
		Short: "ask whether a worker serves, and how long the answer takes",
		Args:  usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return upWorkers(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			return ping(c, args[0], time.Now().Add(time.Duration(wait)))
		},
	}
	c.Flags().Var(&wait, "wait", "how long to try on while the worker isn't there")
	c.Flags().Lookup("wait").DefValue = ""
	return c
}

// ping prints the worker's replicas once one of them is up, and tries on until
// the deadline.
func ping(c *cobra.Command, worker string, deadline time.Time) error {
	for {
		infos, err := client.Ping(context.Background(), worker, answerTime)
		// A worker that is lost on the way may be frozen, or behind a bridge whose far
		// end comes up.
		mayAnswer := err == nil || client.Retryable(err) || errors.Is(err, client.ErrLost)
		if err == nil && !anyUp(infos) {
			err = errors.New(worker + " is draining")
		}
		if err == nil {
			return writePings(c.OutOrStdout(), infos)
		}
		if !mayAnswer || !time.Now().Add(pingPause).Before(deadline) {
			return err
		}
		time.Sleep(pingPause)
	}
}

func anyUp(replicas []client.Info) bool {
	return slices.ContainsFunc(replicas, func(r client.Info) bool { return r.State == "up" })
}

// writePings writes a line for each replica.
func writePings(w io.Writer, replicas []client.Info) error {
	for _, r := range replicas {
		if _, err := fmt.Fprintf(w, "%s: %s, %.3f ms, %d running, %d waiting\n",
			printable.Line(r.Socket), printable.Line(r.State), r.RTT.Seconds()*1000, r.Load.Running, r.Load.Waiting); err != nil {
			return err
		}
	}
	return nil
}
