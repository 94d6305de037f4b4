package main

import (
	"cmp"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rpcd/client"
)

func doctorCommand() *cobra.Command {
	var dir dirValue
	c := &cobra.Command{
		Use:   "doctor [-C DIR] WORKER",
		Short: "find out why calls to a worker fail, and what to change",
		Long: `Check what decides whether calls from here to WORKER succeed, in the order in
which a call needs it: the name, the folder, the socket, its modes, who answers,
how the worker sees you, whether descriptors and this directory arrive, what
calls may do there, and what you may call. Each check is a line that begins with
ok, note or bad; bad ones are followed by a cure. Run it where calls fail, as
the user whose calls fail.

RPC_DIR, RPC_CHDIR, RPC_PASS and RPC_SERVER_UID count as in a call. The exit
status is 0 when nothing is bad, 1 when something is, 2 for usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			names, _ := client.Workers() // also those that are down
			return names, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("chdir") {
				dir = dirValue(os.Getenv("RPC_CHDIR"))
			}
			return doctor(c.OutOrStdout(), args[0], string(dir))
		},
	}
	c.Flags().VarP(&dir, "chdir", "C", "a `DIR` on the worker, where calls shall run [RPC_CHDIR]")
	return c
}

// doctor writes what it finds, and fails when something is bad.
func doctor(w io.Writer, worker, dir string) error {
	f := findWorker(worker)
	bad, err := writeFindings(w, &f, workerRules)
	for _, f := range f.askAll(dir) {
		socketBad, socketErr := writeFindings(w, f, socketRules)
		bad = bad || socketBad
		err = cmp.Or(err, socketErr)
	}
	if err == nil && bad {
		err = &exitError{statusFailed, nil} // the findings say why
	}
	return err
}
