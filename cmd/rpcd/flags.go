package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcd/internal/flagerror"
	"rpcd/rpcd/duration"
)

// The defaults of serve's flags. docker stop gives 10 s, which the drain and the
// grace fit into.
const (
	defaultMaxCalls  = 1024
	defaultQueue     = 1024
	defaultQueueWait = 60 * time.Second
	defaultGrace     = 5 * time.Second
	defaultDrain     = 4 * time.Second
)

// trustMountUsage is the help of --trust-mount, for serve and check.
const trustMountUsage = "whoever can write a read-only mount elsewhere may decide what runs (a Kubernetes ConfigMap)"

// serveFlags are the flags of serve as they were written; settings is what they
// mean.
type serveFlags struct {
	listen, mode, exports, workdir, logFormat, logLevel string
	runAs, gid                                          string
	maxCalls, queue                                     int
	allow                                               []string
	allCommands, keep, trustMount                       bool
	queueWait, grace, timeout, drain                    duration.Value
}

func newServeFlags() *serveFlags {
	return &serveFlags{
		queueWait: duration.Value(defaultQueueWait),
		grace:     duration.Value(defaultGrace),
		drain:     duration.Value(defaultDrain),
	}
}

// add adds the flags to fl, in the order in which the help shows them.
func (f *serveFlags) add(fl *pflag.FlagSet) {
	fl.SortFlags = false
	fl.StringVar(&f.listen, "listen", "", "the socket's `PATH`; one that ends in a slash is a folder, and the socket in it is named after the host")
	fl.StringVar(&f.mode, "mode", "0660", "`MODE` of the socket file")
	fl.StringVar(&f.gid, "gid", "", "`GROUP` of the socket file: a name or a number")
	fl.StringVar(&f.exports, "exports", "", "`DIR` of what may be called")
	fl.BoolVar(&f.trustMount, "trust-mount", false, trustMountUsage)
	fl.BoolVar(&f.allCommands, "all-commands", false, "every command on rpcd's PATH, and every path, is a procedure: where only trusted containers mount the volume")
	fl.StringArrayVar(&f.allow, "allow", []string{"any"}, "`RULE` of who may call at all: \"uid N\", \"gid N\" or \"any\"; may come again, in RPCD_ALLOW with commas")
	fl.StringVar(&f.runAs, "run-as", "", "`WHO` is caller: each call runs with its caller's uid, gid and groups, gid 0 too, which needs CAP_SETUID, CAP_SETGID, CAP_KILL")
	fl.IntVar(&f.maxCalls, "max-calls", defaultMaxCalls, "`N` calls at once")
	fl.IntVar(&f.queue, "queue", defaultQueue, "`N` waiting calls")
	fl.Var(&f.queueWait, "queue-wait", "how long a call may wait")
	fl.Var(&f.grace, "grace", "between TERM and KILL")
	fl.Var(&f.timeout, "timeout", "the longest call; 0 is no limit")
	fl.StringVar(&f.workdir, "workdir", "", "`DIR` where calls start whose own directory isn't shared")
	fl.Var(&f.drain, "drain", "how long running calls may go on after TERM")
	fl.BoolVar(&f.keep, "keep", false, "what a call leaves in its process group lives on")
	fl.StringVar(&f.logFormat, "log-format", "text", "`FORMAT`: text or json")
	fl.Lookup("timeout").DefValue = "" // zero is none: the help shows no default
	fl.StringVar(&f.logLevel, "log-level", "info", "`LEVEL`: trace, debug, info, warn, error, off")
}

// fromEnvironment sets the flags that weren't given from their variables:
// --max-calls from RPCD_MAX_CALLS. An empty variable is an unset one. But an empty
// RPCD_ALLOW is a list of no rules, and no rule admits everybody by mistake.
func fromEnvironment(c *cobra.Command) (err error) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		variable := "RPCD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(variable)
		if f.Changed || !ok || value == "" && f.Name != "allow" || err != nil {
			return
		}
		values := []string{value}
		if f.Name == "allow" {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if e := c.Flags().Set(f.Name, strings.TrimSpace(v)); e != nil {
				err = usageError{fmt.Errorf("cannot use %s=%q: %w", variable, v, flagerror.Cause(e))}
				return
			}
		}
	})
	return err
}
