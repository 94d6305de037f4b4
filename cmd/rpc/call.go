package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/client"
)

func callCommand() *cobra.Command {
	o := newCallOptions()
	c := &cobra.Command{
		Use:               "call [OPTION...] WORKER PROCEDURE [ARG...]",
		Short:             "call a procedure: what rpc does without a verb",
		Long:              "Call a procedure of a worker, also of one that is named like a verb of rpc.",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeCall,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Flags().Changed, args) },
	}
	o.flags(c)
	return c
}

// run makes the call. It returns with the call's status, or dies by the
// procedure's signal.
func (o *callOptions) run(given func(flag string) bool, args []string) error {
	if err := o.openStatus(given); err != nil {
		return &exitError{125, err}
	}
	began := time.Now()
	cmd, err := o.prepare(given, args)
	if err != nil {
		o.report(cmd, 0, &client.Error{Outcome: client.ErrUsage}, 0)
		return &exitError{125, err}
	}
	var once sync.Once // the last of two goroutines has nothing to add
	report := func(err error, died syscall.Signal) {
		once.Do(func() { o.report(cmd, time.Since(began), err, died) })
	}
	sig, err := supervise(cmd, func(sig syscall.Signal) {
		report(&client.Error{Outcome: client.ErrCanceled, Started: cmd.ID() != "", Text: "ended by " + unix.SignalName(sig)}, sig)
	})
	if !errors.Is(err, client.ErrCanceled) {
		sig = 0
	}
	report(err, sig)
	if sig != 0 {
		die(sig)
	}
	return status(err)
}

// prepare makes a Cmd of the words; what is wrong with them is a usage error.
func (o *callOptions) prepare(given func(flag string) bool, args []string) (*client.Cmd, error) {
	if len(args) > 1 && args[1] == "--" {
		args = append(args[:1:1], args[2:]...)
	}
	switch len(args) {
	case 0:
		return client.Command("", ""), errors.New("no worker named: rpc [OPTION...] WORKER PROCEDURE [ARG...] (rpc ls shows the workers, rpc help the rest)")
	case 1:
		return client.Command(args[0], ""), fmt.Errorf("no procedure named: rpc %s PROCEDURE [ARG...] (rpc ls %s shows them)", args[0], args[0])
	}
	cmd := client.Command(args[0], args[1], args[2:]...)
	if err := o.environment(given); err != nil {
		return cmd, err
	}
	return cmd, o.apply(cmd)
}

// statuses of errors that aren't 125.
var statuses = map[client.Outcome]int{
	client.ErrTimeout:       124,
	client.ErrDenied:        126,
	client.ErrNotExecutable: 126,
	client.ErrTooLong:       126,
	client.ErrUnknown:       127,
}

// status makes an exit status of the end of a call, or dies by its signal.
func status(err error) error {
	var exit *client.ExitError
	var failed *client.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.Exited():
		return &exitError{exit.ExitCode(), nil}
	case errors.As(err, &exit):
		die(exit.Sys().Signal())
	case errors.As(err, &failed) && statuses[failed.Outcome] != 0:
		return &exitError{statuses[failed.Outcome], err}
	}
	return &exitError{125, err}
}

// report writes the line of --status-fd.
func (o *callOptions) report(cmd *client.Cmd, took time.Duration, err error, died syscall.Signal) {
	if o.statusFD < 0 {
		return
	}
	line := statusLine(cmd, took, err, died)
	for len(line) > 0 {
		n, err := unix.Write(o.statusFD, line)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "rpc: cannot write to --status-fd: %v\n", err)
			return
		}
		line = line[n:]
	}
}
