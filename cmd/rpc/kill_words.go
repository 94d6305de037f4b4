package main

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

// signalNames are the names of the signals that can be sent, without SIG, in the
// order of their numbers.
func signalNames() (names []string) {
	for n := syscall.Signal(1); n <= wire.MaxSignal; n++ {
		if name := unix.SignalName(n); name != "" {
			names = append(names, strings.TrimPrefix(name, "SIG"))
		}
	}
	return names
}

// listSignals prints what kill -l of util-linux prints.
func listSignals(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("-l takes no words: it prints the names of the signals")
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), strings.Join(signalNames(), " "))
	return err
}

// completeKill completes the worker, its calls, and signals.
func completeKill(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var words []string
	switch len(args) {
	case 0:
		words = upWorkers()
	case 1:
		ctx, cancel := forCompletion()
		defer cancel()
		calls, _ := client.Calls(ctx, args[0], answerTime)
		for _, c := range calls {
			what := fmt.Sprintf("%s %s", printable.Line(c.Procedure), printable.Line(c.Label))
			words = append(words, cobra.CompletionWithDesc(printable.Line(c.ID), strings.TrimSpace(what)))
		}
	case 2:
		words = signalNames()
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
