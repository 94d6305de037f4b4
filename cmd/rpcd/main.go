// Command rpcd is the daemon of a worker: it runs exported procedures for
// callers on a UNIX socket.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rpcd/internal/commandline"
	"rpcd/internal/flagerror"
	"rpcd/internal/version"
	"rpcd/rpcd/fdconn"
)

func main() { os.Exit(run(os.Args[1:])) }

// usageError is an error of the command line. rpcd ends with 2 then.
type usageError struct{ error }

// run gives the exit status: 0, 1 failed, 2 usage.
func run(args []string) int {
	if err := fdconn.CheckDescriptors(); err != nil {
		fmt.Fprintf(os.Stderr, "rpcd: %v\n", err)
		return 1
	}
	root := &cobra.Command{
		Use:           "rpcd",
		Short:         "the daemon of a worker: runs exported procedures for callers on a UNIX socket",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noVerb(args[0])
			}
			return usageError{errors.New("what to do? try: rpcd serve NAME (see rpcd help)")}
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{flagerror.Reword(err, "see "+c.CommandPath()+" --help")}
	})
	commandline.SetHelp(root, "rpcd VERB ...")
	root.SetHelpCommand(helpCommand())
	root.AddCommand(serveCommand(), checkCommand(), exportsTopic(), completionCommand(), &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "rpcd", version.Version)
			return err
		},
	})
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "rpcd: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
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
