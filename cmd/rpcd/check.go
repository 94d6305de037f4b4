package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rpcd/rpcd"
	"rpcd/rpcd/export"
)

func checkCommand() *cobra.Command {
	dir := defaultExports
	if v, ok := os.LookupEnv("RPCD_EXPORTS"); ok {
		dir = v
	}
	c := &cobra.Command{
		Use:   "check [DIR]",
		Short: "check an exports directory, and print what is exported to whom",
		Long: `Check an exports directory, and print what is exported to whom.

Each problem is one line on stderr that names the file and the cure; with any,
the exit status is 1.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				dir = args[0]
			}
			return check(c.OutOrStdout(), dir)
		},
	}
	c.Flags().StringVar(&dir, "exports", dir, "the `DIR` to check")
	return c
}

func check(w io.Writer, dir string) error {
	self := rpcd.Self()
	problems := export.Check(dir, self)
	for _, p := range problems {
		fmt.Fprintf(os.Stderr, "rpcd: %v\n", p)
	}
	if d, warnings, err := export.Open(dir, self); err == nil {
		if len(problems) == 0 {
			for _, warning := range warnings {
				fmt.Fprintf(os.Stderr, "rpcd: %s\n", warning)
			}
		}
		table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, p := range d.Everything() {
			line := fmt.Sprintf("%s\t%s\t%s", p.Name, kind(p), audience(p))
			if p.Summary != "" {
				line += "\t" + p.Summary
			}
			fmt.Fprintln(table, line)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	} else if len(problems) == 0 {
		return err
	}
	if len(problems) == 1 {
		return errors.New("1 problem")
	}
	if len(problems) > 1 {
		return fmt.Errorf("%d problems", len(problems))
	}
	return nil
}

func kind(p *export.Procedure) string {
	switch {
	case p.Topic:
		return "topic"
	case p.Workers > 0:
		return fmt.Sprintf("resident x%d", p.Workers)
	}
	return "spawned"
}

func audience(p *export.Procedure) string {
	switch {
	case !p.HasAllow:
		return "any"
	case len(p.Allow) == 0:
		return "nobody"
	}
	rules := make([]string, len(p.Allow))
	for i, r := range p.Allow {
		rules[i] = r.String()
	}
	return strings.Join(rules, ", ")
}
