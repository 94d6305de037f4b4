package main

import (
	"io"
	"sync"

	"github.com/spf13/cobra"
)

func lsCommand() *cobra.Command {
	var long, asJSON bool
	var watch watching
	c := &cobra.Command{
		Use:   "ls [WORKER...]",
		Short: "show workers, their state and what you may call there",
		Long: `Show workers, their state and what you may call there: of the named workers, or
of all in $RPC_DIR. Of a worker with --all-commands the commands are shown where
it is named, and with -l. A terminal gets what fits, and a count of the rest.

States: up, draining (it ends, and takes no new calls), down (nobody serves),
denied (not for you), silent (it is frozen, or starved). The exit status is 1
when a named worker doesn't answer.`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return upWorkers(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			return watch.show(c.OutOrStdout(), asJSON, func(out, _ io.Writer, s screen) error {
				rows, err := askRows(args)
				if err != nil {
					return err
				}
				switch {
				case asJSON:
					err = writeJSON(out, rows)
				case long:
					err = writeLong(out, rows, s)
				default:
					err = writeShort(out, rows, s)
				}
				if err == nil && len(args) > 0 {
					err = unanswered(rows)
				}
				return err
			})
		},
	}
	c.Flags().BoolVarP(&long, "long", "l", false, "a line for each replica and each procedure: load, limits, counters, summaries")
	c.Flags().BoolVar(&asJSON, "json", false, "everything, as JSON")
	watch.add(c.Flags())
	return c
}

// askRows asks the named workers, or all, side by side.
func askRows(workers []string) ([]row, error) {
	named := len(workers) > 0
	workers, err := namedOrAll(workers)
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(workers))
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() { rows[i] = askRow(w); rows[i].named = named })
	}
	wg.Wait()
	return rows, nil
}

// unanswered fails when a worker didn't answer. The row says why, so the error
// has no text.
func unanswered(rows []row) error {
	for _, r := range rows {
		if r.Error != "" {
			return &exitError{statusFailed, nil}
		}
	}
	return nil
}
