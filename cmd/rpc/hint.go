package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcd/internal/flagerror"
)

const (
	workersUser   = "calls run as the worker's user"
	neverDetached = "a call is never detached: use the shell's &"
	chdirOption   = "the directory is -C DIR"
)

// hints answer options that docker exec and ssh have, and one to come.
var hints = map[string]string{
	"-u":        workersUser,
	"--user":    workersUser,
	"-l":        workersUser,
	"-w":        chdirOption,
	"--workdir": chdirOption,
	"--cwd":     chdirOption,
	"-d":        neverDetached,
	"--detach":  neverDetached,
	"-f":        neverDetached,
	"-T":        "there is no terminal unless -t asks for one",
	"-c":        "rpc WORKER sh -c '...' runs a shell's words",
}

// optionError is an error in the options of a call.
func optionError(f *pflag.FlagSet, err error) error {
	hint := nearOption(f, err, "see rpc --help; options of the procedure stand behind its name")
	if name, unknown := flagerror.Unknown(err); unknown && hints[name] != "" {
		hint = hints[name]
	}
	return &exitError{statusOwnFailure, flagerror.Reword(err, hint)}
}

// verbOptionError is an error in the options of another verb.
func verbOptionError(c *cobra.Command, err error) error {
	return usage("%w", flagerror.Reword(err, nearOption(c.Flags(), err, "see rpc "+c.Name()+" --help")))
}

// nearOption asks for the option that was probably meant, where there is one.
func nearOption(f *pflag.FlagSet, err error, otherwise string) string {
	name, unknown := flagerror.Unknown(err)
	if !unknown {
		return otherwise
	}
	var there []string
	f.VisitAll(func(o *pflag.Flag) {
		if !o.Hidden {
			there = append(there, "--"+o.Name)
		}
	})
	if near := nearest(name, there); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}

// usageArgs makes a wrong number of words a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) == nil {
			return nil
		}
		return usage("wrong number of words: rpc %s (see rpc %s --help)", c.Use, c.Name())
	}
}
