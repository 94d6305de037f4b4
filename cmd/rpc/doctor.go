package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rpcd/client"
)

func doctorCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "doctor [-C DIR] WORKER",
		Short: "find out why calls to a worker fail, and what to change",
		Long: `Check what decides whether calls from here to WORKER succeed, in the order in
which a call needs it: the name, the folder, the socket, its modes, who answers,
how the worker sees you, whether descriptors and this directory arrive, and what
you may call. Each check is a line that begins with ok, note or bad; bad ones
are followed by a cure. Run it where calls fail, as the user whose calls fail.

RPC_DIR, RPC_CHDIR, RPC_PASS and RPC_SERVER_UID count as in a call. The exit
status is 0 when nothing is bad, 1 when something is, 2 for usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			names, _ := client.Workers() // also those that are down
			return names, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("chdir") {
				dir = os.Getenv("RPC_CHDIR")
			}
			return doctor(c.OutOrStdout(), args[0], dir)
		},
	}
	c.Flags().StringVarP(&dir, "chdir", "C", "", "a `DIR` on the worker, where calls shall run [RPC_CHDIR]")
	return c
}

// doctor writes what it finds, and fails when something is bad.
func doctor(w io.Writer, worker, dir string) error {
	p := newPatient(worker)
	bad, err := judge(w, &p, wayRules)
	for _, socket := range p.sockets {
		p.examine(socket, dir)
		b, e := judge(w, &p, socketRules)
		bad = bad || b
		if err == nil {
			err = e
		}
	}
	if err == nil && bad {
		err = &exitError{1, nil} // it has been said
	}
	return err
}

// level is how a finding is meant.
type level string

const (
	good level = "ok"
	note level = "note" // works, but not as one might think
	bad  level = "bad"  // calls fail, or don't do what they should
)

// rule is a finding and when it is made. Of the rules of one subject the first
// that fits counts. In text and cure {word} is filled in by patient.words.
type rule struct {
	subject string
	when    func(*patient) bool // nil: always
	level   level
	text    string // "": nothing to say
	cure    string
	last    bool // what follows can't be told
}

// judge writes the findings of a list of rules, and says whether one is bad.
func judge(w io.Writer, p *patient, rules []rule) (isBad bool, err error) {
	fill := strings.NewReplacer(p.words()...)
	decided := ""
	for _, r := range rules {
		if r.subject == decided || r.when != nil && !r.when(p) {
			continue
		}
		decided = r.subject
		if r.text == "" {
			continue
		}
		if _, werr := fmt.Fprintf(w, "%-4s  %s: %s\n", r.level, r.subject, client.Clean(fill.Replace(r.text))); werr != nil && err == nil {
			err = werr
		}
		if r.cure != "" {
			_, _ = fmt.Fprintf(w, "      cure: %s\n", client.Clean(fill.Replace(r.cure)))
		}
		isBad = isBad || r.level == bad
		if r.last {
			break
		}
	}
	return isBad, err
}
