package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rpcd/client"
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

func ping(c *cobra.Command, worker string, deadline time.Time) error {
	for {
		infos, err := client.Ping(context.Background(), worker, answerTime)
		up := false
		for _, i := range infos {
			up = up || i.State == "up"
		}
		// What was lost on the way may be frozen, or a bridge whose far end comes up.
		hopeless := err != nil && !client.Again(err) && !errors.Is(err, client.ErrLost)
		if err == nil && !up {
			err = errors.New(worker + " is draining")
		}
		if err == nil {
			for _, i := range infos {
				if _, err := fmt.Fprintf(c.OutOrStdout(), "%s: %s, %.3f ms, %d running, %d waiting\n", client.Clean(i.Socket), client.Clean(i.State), i.RTT.Seconds()*1000, i.Load.Running, i.Load.Waiting); err != nil {
					return err
				}
			}
			return nil
		}
		if hopeless || !time.Now().Add(pingPause).Before(deadline) {
			return err
		}
		time.Sleep(pingPause)
	}
}
