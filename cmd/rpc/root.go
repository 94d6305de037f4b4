package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"rpcd/internal/commandline"
	"rpcd/internal/version"
)

// memoryGoal is the memory in bytes from which on garbage is collected as soon as it
// is made: long answers of a worker make much. GOMEMLIMIT sets another goal.
const memoryGoal = 20 << 20

// runVerb has cobra read the words: a verb, help, or a shell's completion.
func runVerb(words []string) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	root, out := rootCommand(), &output{}
	root.SetArgs(signalOptions(words))
	root.SetOut(out)
	if err := root.Execute(); err != nil {
		if own := (*exitError)(nil); errors.As(err, &own) {
			return err
		}
		return adviseWorker(err, nil, noWait)
	}
	return out.err
}

// rootCommand is rpc with all its verbs.
func rootCommand() *cobra.Command {
	o := newCallOptions()
	var showVersion bool
	root := &cobra.Command{
		Use:   "rpc [OPTION...] WORKER PROCEDURE [ARG...]",
		Short: "call a procedure of a worker as if it were a local command",
		Long: `Call a procedure of a worker as if it were a local command, until it exits.

WORKER is the path of a socket or of a folder of sockets if it has a slash,
else $RPC_DIR/WORKER/ or $RPC_DIR/WORKER.sock (RPC_DIR is /run/rpc unless set).
Options end at WORKER. Durations are timeout(1)'s: 5, 0.5s, 3m, 2h, 1d, 100ms.
Exit status: its own; 128+signal; 124 time; 125 rpc's; 126 denied; 127 unknown.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeCall,
		RunE: func(c *cobra.Command, args []string) error {
			if showVersion {
				return printVersion(c, nil)
			}
			if err := checkWorkerWord(args); err != nil {
				return err
			}
			return o.run(c.Flags().Changed, args)
		},
	}
	o.flags(root.Flags())
	addVersionFlag(root.Flags(), &showVersion)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(helpCommand())
	completeOptions(root)
	commandline.SetHelp(root, "rpc [OPTION...] WORKER PROCEDURE [ARG...]")
	root.AddCommand(callCommand(), lsCommand(), pingCommand(), psCommand(), killCommand(), mapCommand(), pubCommand(), subCommand(), doctorCommand(), shimCommand(), rshCommand(), completionCommand(), versionCommand())
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if c.Name() == "map" || c.Name() == "pub" || c.Name() == "sub" { // their statuses are a call's, but that map's small ones count records
			return &exitError{statusOwnFailure, verbOptionError(c, err)}
		}
		if c.HasParent() && c.Name() != "call" {
			return verbOptionError(c, err)
		}
		return optionError(c.Flags(), err)
	})
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  printVersion,
	}
}

func printVersion(c *cobra.Command, _ []string) error {
	_, err := fmt.Fprintln(c.OutOrStdout(), "rpc", version.String())
	return err
}
