package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rpcd/internal/commandline"
	"rpcd/internal/flagerror"
	"rpcd/rpcd/export"
	"rpcd/rpcd/export/lint"
)

func checkCommand() *cobra.Command {
	var dir, as, runAs string
	var trustMount bool
	c := &cobra.Command{
		Use:   "check [DIR]",
		Short: "check an exports directory, and print what is exported to whom",
		Long: `Check an exports directory, and print what is exported to whom.

Each problem is one line on stderr that names the file and the cure; with any,
the exit status is 1. Without a DIR it is RPCD_EXPORTS, or /etc/rpcd/exports.
rpcd help exports says which files there are, and what they mean.
With --as, root checks as the user that rpcd will be: for an image's build.`,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: commandline.Folders,
		RunE: func(c *cobra.Command, args []string) error {
			given := c.Flags().Changed("exports")
			if len(args) == 1 && given {
				return usageError{errors.New("one directory at a time: give DIR or --exports DIR")}
			} else if len(args) == 1 {
				dir, given = args[0], true
			}
			if dir == "" && given {
				return usageError{errors.New("which directory? an empty name is none")}
			} else if !given {
				dir = cmp.Or(os.Getenv("RPCD_EXPORTS"), defaultExports)
			}
			if err := checkEnvironment(c); err != nil {
				return err
			}
			if runAs != "" && runAs != "caller" {
				return usageError{fmt.Errorf("cannot use --run-as %q: write caller", runAs)}
			}
			if as != "" {
				if err := become(as); err != nil {
					return err
				}
			}
			owner := self(trustMount)
			owner.RunAs = runAs != ""
			return check(c.OutOrStdout(), dir, owner)
		},
	}
	c.Flags().StringVar(&dir, "exports", "", "the `DIR` to check")
	c.Flags().StringVar(&as, "as", "", "check as the user `UID[:GID]`, without supplementary groups; GID is UID's number unless given")
	c.Flags().StringVar(&runAs, "run-as", "", "what serve will be given: `WHO` is caller, as whom no resident worker can run")
	c.Flags().BoolVar(&trustMount, "trust-mount", false, trustMountUsage)
	return c
}

// checkEnvironment sets the flags that weren't given from serve's variables.
func checkEnvironment(c *cobra.Command) error {
	for flag, variable := range map[string]string{"trust-mount": "RPCD_TRUST_MOUNT", "run-as": "RPCD_RUN_AS"} {
		v := os.Getenv(variable)
		if v == "" || c.Flags().Changed(flag) {
			continue
		}
		if err := c.Flags().Set(flag, v); err != nil {
			return usageError{fmt.Errorf("cannot use %s=%q: %w", variable, v, flagerror.Cause(err))}
		}
	}
	return nil
}

// become makes the process another user's for good, so that the kernel answers
// for that user.
func become(as string) error {
	uid, gid, both := strings.Cut(as, ":")
	if !both {
		gid = uid
	}
	u, err := strconv.ParseUint(uid, 10, 31)
	g, err2 := strconv.ParseUint(gid, 10, 31)
	if err != nil || err2 != nil {
		return usageError{fmt.Errorf("cannot check as %q: write UID or UID:GID, in numbers", as)}
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(int(g)), syscall.Setuid(int(u))); err != nil {
		return fmt.Errorf("cannot check as %q: only root may become another user", as)
	}
	return nil
}

// check prints what is exported to w, and each problem to stderr. Its error is
// their number.
func check(w io.Writer, dir string, self export.Owner) error {
	procedures, problems := lint.Check(dir, self)
	for _, p := range problems {
		fmt.Fprintf(os.Stderr, "rpcd: %v\n", p)
	}
	_, warnings, err := export.Open(dir, self)
	if len(problems) == 0 {
		if err != nil {
			return err
		}
		for _, warning := range warnings {
			fmt.Fprintf(os.Stderr, "rpcd: %s\n", warning)
		}
	}
	if err := printTable(w, procedures); err != nil {
		return err
	}
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return errors.New("1 problem")
	}
	return fmt.Errorf("%d problems", len(problems))
}

// printTable prints a line for each procedure: name, callers, summary.
func printTable(w io.Writer, procedures []*export.Procedure) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, p := range procedures {
		line := p.Name + "\t" + callers(p)
		if p.Summary != "" {
			line += "\t" + p.Summary
		}
		fmt.Fprintln(table, line)
	}
	return table.Flush()
}

// callers says who may call a procedure.
func callers(p *export.Procedure) string {
	if !p.HasAllow {
		return "any"
	}
	return p.Allow.String()
}
