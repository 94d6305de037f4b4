package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/cmd/rpc/shim"
	"rpcd/internal/commandline"
	"rpcd/internal/printable"
)

// ownNames are what a worker doesn't get to be: its shim would stand for rpc.
var ownNames = []string{"rpc", "rpcd", rshName}

func shimCommand() *cobra.Command {
	var dir, rpc string
	c := &cobra.Command{
		Use:   "shim WORKER [PROCEDURE...] --dir DIR",
		Short: "make procedures commands in DIR: nona runs the worker's nona",
		Long: `Put a command into DIR for each PROCEDURE, or for all that the worker lists:
with DIR on PATH, "nona -o out x.pto" is "rpc WORKER nona -o out x.pto", at the
same cost. The options of a call are the variables RPC_*. DIR is made if it
isn't there.

A shim is a file of two lines. The kernel reads the first,
"#!/usr/local/bin/rpc --shim=WORKER"; the file's name is the procedure's. Files
that aren't this worker's shims are never replaced. Without PROCEDURE, shims go
whose procedure has gone, and a name is left out that is a command on PATH
already: the shim might hide it. Where a worker's names aren't to be trusted
with that, put DIR last on PATH.`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			words, _ := completeEntry(args[:min(len(args), 1)], false)
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage("no worker named: rpc %s", c.Use)
			case dir == "":
				return usage("no folder named: rpc %s", c.Use)
			}
			s, err := shimOf(args[0], rpc)
			if err != nil {
				return usage("%w", err)
			}
			p := &shimPlan{shim: s, named: args[1:], warn: func(err error) { printError(err) }}
			if err := p.carryOut(dir); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), p.summary(dir))
			return errors.Join(err, p.failure())
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "put the commands into `DIR`")
	c.Flags().StringVar(&rpc, "rpc", "", "rpc's `PATH` as the callers will see it, if that isn't this one's")
	_ = c.RegisterFlagCompletionFunc("dir", commandline.Folders)
	return c
}

// shimOf gives the shim of a worker. A relative path would mean another worker in
// another directory.
func shimOf(worker, rpc string) (s shim.Shim, err error) {
	if strings.Contains(worker, "/") {
		if worker, err = filepath.Abs(worker); err != nil {
			return s, err
		}
	}
	if rpc == "" {
		if rpc, err = os.Executable(); err != nil {
			return s, fmt.Errorf("cannot find rpc's own path: %w (give it with --rpc)", err)
		}
	}
	s = shim.Shim{RPC: rpc, Worker: worker}
	return s, s.Check()
}

// shimPlan is one run of rpc shim.
type shimPlan struct {
	shim   shim.Shim
	named  []string // procedures; none: all that the worker lists
	warn   func(error)
	names  []string // the shims that are there in the end
	made   int
	gone   []string
	failed bool
}

// carryOut makes the shims, and tells of each that it can't make.
func (p *shimPlan) carryOut(dir string) error {
	infos, err := client.List(context.Background(), p.shim.Worker, answerTime)
	if err != nil {
		return err
	}
	all := infos[0]
	if len(p.named) == 0 && all.AnyCommand {
		return usage("%s serves every command: name those that you want (rpc shim %s PROCEDURE... --dir DIR)", p.shim.Worker, p.shim.Worker)
	}
	folder, err := shim.Open(dir)
	if err != nil {
		return err
	}
	names := p.named
	if len(names) == 0 {
		names = p.listed(folder, all)
	}
	for _, name := range names {
		err := p.check(name, all)
		made := false
		if err == nil {
			made, err = folder.Put(p.shim, name)
		}
		switch {
		case err != nil:
			p.warn(err)
			p.failed = true
		case made:
			p.made++
			fallthrough
		default:
			p.names = append(p.names, name)
		}
	}
	if len(p.named) == 0 {
		all.Procedures = slices.DeleteFunc(all.Procedures, func(e client.Entry) bool { return e.Type == "topic" })
		p.gone, err = folder.Sweep(p.shim.Worker, entryNames(all))
	}
	return err
}

// listed are the procedures that the worker lists, without those whose shim would hide
// a command, and without what can't be a file's name. A shim that is there stays.
func (p *shimPlan) listed(folder shim.Folder, all client.Info) (names []string) {
	for _, e := range all.Procedures {
		if e.Type == "topic" {
			continue
		}
		if hidden := folder.Hides(e.Name); hidden != "" && !folder.Has(p.shim.Worker, e.Name) {
			p.warn(fmt.Errorf("left out %q, which is a command here, %q (rpc shim %s %s --dir DIR makes it all the same)", e.Name, hidden, p.shim.Worker, e.Name))
			continue
		}
		names = append(names, e.Name)
	}
	return names
}

// check says why there can't be a shim of that name, or nil.
func (p *shimPlan) check(name string, all client.Info) error {
	found := slices.IndexFunc(all.Procedures, func(e client.Entry) bool { return e.Name == name })
	switch {
	case name == "" || name[0] == '.' || strings.ContainsAny(name, "/\n\x00"):
		return fmt.Errorf("cannot make a shim %q: that is no name of a procedure", name)
	case slices.Contains(ownNames, name):
		return fmt.Errorf("cannot make a shim %q: it would stand for %s itself (rpc %s %s calls it)", name, name, p.shim.Worker, name)
	case found >= 0 && all.Procedures[found].Type == "topic":
		return fmt.Errorf("cannot make a shim %q: it is a topic (rpc pub, rpc sub)", name)
	case found < 0 && !all.AnyCommand:
		hint := fmt.Sprintf("rpc ls %s shows what it has for you", p.shim.Worker)
		if near := nearest(name, entryNames(all)); near != "" {
			hint = "did you mean " + printable.Line(near) + "?"
		}
		return fmt.Errorf("cannot make a shim %s: %s has no such procedure (%s)", quoted(name), p.shim.Worker, hint)
	}
	return nil
}

func entryNames(info client.Info) (names []string) {
	for _, e := range info.Procedures {
		names = append(names, e.Name)
	}
	return names
}

// summary says in a line what is there, and what has changed.
func (p *shimPlan) summary(dir string) string {
	noun := "shims"
	if len(p.names) == 1 {
		noun = "shim"
	}
	text := fmt.Sprintf("%s: %d %s of %s (%d new)", dir, len(p.names), noun, p.shim.Worker, p.made)
	if len(p.gone) > 0 {
		text += ", removed " + strings.Join(p.gone, " ")
	}
	return printable.Line(text)
}

func (p *shimPlan) failure() error {
	if p.failed {
		return &exitError{statusFailed, nil}
	}
	return nil
}

// runShim makes the call that a shim's first line stands for. The procedure's name is
// the file's, to the byte.
func runShim(words []string) error {
	worker, procedure, args, err := shim.Words(words)
	if err != nil {
		return &exitError{statusOwnFailure, err}
	}
	o := newCallOptions()
	o.onlyVariables = true
	return o.run(noOption, append([]string{worker, "--", procedure}, args...))
}
