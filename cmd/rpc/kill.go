package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

func killCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kill WORKER ID [SIGNAL]",
		Short: "signal a call, or cancel one that waits",
		Long: `Send a signal to the process group of a call, as rpc ps shows it, or cancel a
call that waits. SIGNAL is as kill(1) takes it: TERM (unless said), SIGTERM or
15. You reach calls of your own uid; root and the worker's own user all.`,
		Args:              usageArgs(cobra.RangeArgs(2, 3)),
		ValidArgsFunction: completeKill,
		RunE: func(_ *cobra.Command, args []string) error {
			sig := unix.SIGTERM
			if len(args) == 3 {
				var err error
				if sig, err = signalOf(args[2]); err != nil {
					return err
				}
			}
			if args[1] == "" {
				return usage("cannot signal a call without an id (rpc ps %s shows them)", args[0])
			}
			return client.Kill(context.Background(), args[0], args[1], sig, answerTime)
		},
	}
}

// signalOf reads a signal as kill(1) takes it: TERM, SIGTERM or 15.
func signalOf(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > wire.MaxSignal {
			return 0, usage("cannot send signal %d: it is 1 to %d", n, wire.MaxSignal)
		}
		return syscall.Signal(n), nil
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	return 0, usage("cannot send the signal %q: write a name or a number, as TERM, SIGTERM or 15", s)
}

// completeKill completes the worker, its calls, and signals.
func completeKill(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var words []string
	switch len(args) {
	case 0:
		words = upWorkers()
	case 1:
		calls, _ := client.Calls(context.Background(), args[0], answerTime)
		for _, c := range calls {
			what := fmt.Sprintf("%s %s", printable.Line(c.Procedure), printable.Line(c.Label))
			words = append(words, cobra.CompletionWithDesc(printable.Line(c.ID), strings.TrimSpace(what)))
		}
	case 2:
		for n := syscall.Signal(1); n <= wire.MaxSignal; n++ {
			if name := unix.SignalName(n); name != "" {
				words = append(words, strings.TrimPrefix(name, "SIG"))
			}
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
