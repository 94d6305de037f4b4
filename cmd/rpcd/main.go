// Command rpcd is the daemon of a worker: it runs exported procedures for
// callers on a UNIX socket.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/internal/flagerror"
	"rpcd/internal/version"
	"rpcd/rpcd/fdconn"
)

func main() {
	signals := catchSignals()
	go func() {
		select {
		case sig := <-signals.stop:
			os.Exit(stopped{sig.(unix.Signal)}.status())
		case signals.serving <- struct{}{}:
		}
	}()
	os.Exit(run(signals, os.Args[1:]))
}

// usageError is an error of the command line. rpcd ends with 2 then.
type usageError struct{ error }

// run gives the exit status: 0, 1 failed, 2 usage, 128 and more a signal's.
func run(signals *signals, args []string) int {
	if err := fdconn.CheckDescriptors(); err != nil {
		fmt.Fprintf(os.Stderr, "rpcd: %v\n", err)
		return 1
	}
	root := rootCommand(signals)
	root.SetArgs(args)
	err := root.Execute()
	var sig stopped
	switch {
	case err == nil:
		return 0
	case errors.As(err, &sig): // the log has it
		return sig.status()
	}
	fmt.Fprintf(os.Stderr, "rpcd: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func rootCommand(signals *signals) *cobra.Command {
	showVersion := false
	root := &cobra.Command{
		Use:           "rpcd",
		Short:         "the daemon of a worker: runs exported procedures for callers on a UNIX socket",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if showVersion {
				return printVersion(c)
			}
			return usageError{errors.New("what to do? try: rpcd serve NAME (see rpcd help)")}
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if err, ok := flagerror.Value(err); ok {
			return usageError{err}
		}
		return usageError{fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
	})
	root.AddCommand(serveCommand(signals), checkCommand(), &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return printVersion(c) },
	})
	for _, c := range append(root.Commands(), root) {
		c.DisableFlagsInUseLine = true
	}
	return root
}

func printVersion(c *cobra.Command) error {
	_, err := fmt.Fprintln(c.OutOrStdout(), "rpcd", version.String())
	return err
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch last := len(args) - 1; {
		case check(c, args) == nil:
		case c.HasParent():
			return usageError{fmt.Errorf("cannot use %q: a word too many (see %s --help)", args[last], c.CommandPath())}
		default:
			return usageError{fmt.Errorf("rpcd has no verb %q (see rpcd help)", args[0])}
		}
		return nil
	}
}
