// Command rpc calls procedures of workers as if they were local commands.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/internal/version"
	"rpcd/rpcd/fdconn"
)

func main() {
	// Most calls only wait: one processor spares the threads that Go would wake
	// for more. supervise takes them where streams are relayed.
	runtime.GOMAXPROCS(1)
	os.Exit(run(os.Args[1:]))
}

// answerTime is how long the verbs wait for each worker, all side by side.
const answerTime = time.Second

// exitError carries an exit status; its text, if any, is still to be printed.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// usage is an error in the words of a verb other than call.
func usage(format string, args ...any) error {
	return &exitError{2, fmt.Errorf(format, args...)}
}

// run gives the exit status.
func run(args []string) int {
	err := fdconn.CheckDescriptors()
	if err != nil {
		err = &exitError{ownFailure(args), err}
	} else if isPlainCall(args) {
		err = newCallOptions().run(func(string) bool { return false }, args)
	} else {
		root, out := rootCommand(), &output{}
		root.SetArgs(args)
		root.SetOut(out)
		if isOptions(args) {
			root.RemoveCommand(root.Commands()...) // which would be looked for among the options' values, too
			root.SetHelpFunc(func(*cobra.Command, []string) {
				whole := rootCommand()
				whole.SetOut(out)
				showHelp(whole)
			})
		}
		if err = root.Execute(); err == nil {
			err = out.err
		}
	}
	if err == nil {
		return 0
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{1, err}
	}
	if text := exit.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "rpc: "+client.Clean(text)) // one line, whatever the words hold
	}
	return exit.status
}

// ownFailure is the status of rpc's own failure, before the words are parsed.
func ownFailure(args []string) int {
	if len(args) > 0 && args[0] != "call" && slices.Contains(version.Verbs, args[0]) {
		return 1
	}
	return 125
}

// output is stdout; it keeps the error of a write, which cobra's help drops.
type output struct{ err error }

func (o *output) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// isPlainCall: WORKER PROCEDURE ... without options needs no parser, whose
// tree of commands and flags costs a short call page faults.
func isPlainCall(args []string) bool {
	return len(args) > 1 && args[0] != "" && args[0][0] != '-' && args[0][0] != '_' && !slices.Contains(version.Verbs, args[0])
}

// isOptions: a call that begins with its options. Those of a verb stand behind
// it.
func isOptions(args []string) bool {
	return len(args) > 0 && strings.HasPrefix(args[0], "-") && !slices.Contains([]string{"-h", "--help", "--version"}, args[0])
}

func rootCommand() *cobra.Command {
	o := newCallOptions()
	var showVersion bool
	root := &cobra.Command{
		Use:   "rpc [OPTION...] WORKER PROCEDURE [ARG...]",
		Short: "call a procedure of a worker as if it were a local command",
		Long: `Call a procedure of a worker as if it were a local command: rpc blocks until
the remote process exits, and its output, exit status and signals are rpc's.

WORKER is the path of a socket or of a folder of sockets if it has a slash,
else $RPC_DIR/WORKER/ or $RPC_DIR/WORKER.sock (RPC_DIR is /run/rpc unless set).
Options end at WORKER; everything after it is the procedure's. Durations are
timeout(1)'s: 5, 0.5s, 3m, 2h, 1d, 100ms.

The exit status is the procedure's; killed by signal N, rpc dies by N (128+N);
124 a time limit ran out; 125 rpc itself failed; 126 not allowed or not
executable; 127 no such procedure.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeCall,
		RunE: func(c *cobra.Command, args []string) error {
			if showVersion {
				return printVersion(c, nil)
			}
			if len(args) > 0 && args[0] == "call" { // behind options
				if err := c.Flags().Parse(args[1:]); err != nil {
					return c.FlagErrorFunc()(c, err)
				}
				return o.run(c.Flags().Changed, c.Flags().Args())
			}
			if len(args) > 0 && slices.Contains(version.Verbs, args[0]) {
				return &exitError{125, notCalled(args[0])}
			}
			return o.run(c.Flags().Changed, args)
		},
	}
	o.flags(root)
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(helpCommand())
	root.AddCommand(callCommand(), lsCommand(), pingCommand(), psCommand(), killCommand(), doctorCommand(), completionCommand(), &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  printVersion,
	})
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if c.HasParent() && c.Name() != "call" {
			return usage("%w (see rpc %s --help)", err, c.Name())
		}
		return &exitError{125, fmt.Errorf("%w (%s)", err, hint(err))}
	})
	return root
}

func printVersion(c *cobra.Command, _ []string) error {
	_, err := fmt.Fprintln(c.OutOrStdout(), "rpc", version.Version)
	return err
}

const noTerminal = "this release has no terminal for the procedure yet"

// hint answers options that other tools have.
func hint(err error) string {
	text := err.Error()
	for option, hint := range map[string]string{
		"'u' in": "calls run as the worker's user",
		"'w' in": "the directory is -C DIR",
		"'d' in": "a call is never detached: use the shell's &",
		"'t' in": noTerminal,
		"--tty":  noTerminal,
	} {
		if strings.Contains(text, option) {
			return hint
		}
	}
	return "see rpc --help; options of the procedure stand behind its name"
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usage("%w (see rpc %s --help)", err, c.Name())
		}
		return nil
	}
}
