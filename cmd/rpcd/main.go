// Command rpcd is the daemon of a worker: it runs exported procedures for
// callers on a UNIX socket.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/internal/commandline"
	"rpcd/internal/flagerror"
	"rpcd/internal/version"
	"rpcd/rpcd/child/leader"
	"rpcd/rpcd/fdconn"
)

func main() {
	if leader.Is(os.Args) {
		os.Exit(leader.Main(os.Args))
	}
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
		Args:          cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return noVerb(args[0])
			case showVersion:
				return printVersion(c)
			}
			return usageError{errors.New("what to do? try: rpcd serve NAME (see rpcd help)")}
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{flagerror.Reword(err, "see "+c.CommandPath()+" --help")}
	})
	commandline.SetHelp(root, "rpcd VERB ...")
	root.SetHelpCommand(helpCommand())
	root.AddCommand(serveCommand(signals), checkCommand(), exportsTopic(), completionCommand(), &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return printVersion(c) },
	})
	return root
}

func printVersion(c *cobra.Command) error {
	_, err := fmt.Fprintln(c.OutOrStdout(), "rpcd", version.String())
	return err
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) == nil {
			return nil
		}
		return usageError{fmt.Errorf("wrong number of words: rpcd %s (see %s --help)", c.Use, c.CommandPath())}
	}
}
