package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/client/batch"
	"rpcd/client/record"
	"rpcd/internal/commandline"
	"rpcd/internal/printable"
)

// mapOptions are the options of rpc map as they were written.
type mapOptions struct {
	call                                       *callOptions
	framing, halt, joblog                      string
	null, unordered, tag, resume, showProgress bool
	jobs, retries                              int
}

// callFlags are the options of a call that rpc map has, too.
var callFlags = []string{"env", "chdir", "timeout", "wait", "label", "server-uid", "heartbeat"}

func mapCommand() *cobra.Command {
	o := &mapOptions{call: newCallOptions()}
	c := &cobra.Command{
		Use:   "map [OPTION...] WORKER PROCEDURE [ARG...]",
		Short: "call a procedure for each record of stdin, on all replicas",
		Long: `Call a procedure for each record of stdin, many at once, on all replicas of a
worker. Results are written whole, in the order of the records. In ARG stand for
the record: {} itself, {.} without its suffix, {/} its base name, {//} its
folder, {/.} base name without suffix, {#} its number. Without any of them the
record is the procedure's stdin: lines with the newline, else its bytes alone.

Records are lines, NUL-ended (-0), behind a length of 4 big-endian bytes (u32),
or NumPy arrays as np.save writes them (npy); results are written likewise: of
u32 one record each, of npy whole arrays. A record has at most 1 GiB.

A record whose call is lost with its worker may run again, never after a status
came. The exit status is the number of records that failed, 101 for more; 124
and more is rpc's own failure, as of a call, wrong usage included.`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeCall,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Flags().Changed, args) },
	}
	o.flags(c.Flags())
	completeOptions(c)
	for option, complete := range map[string]cobra.CompletionFunc{
		"framing": commandline.Words("lines", "nul", "u32\tlength first", "npy\tNumPy arrays"),
		"halt":    commandline.Words("soon\tbegin no more", "now\tend what runs, too"),
		"jobs":    commandline.Nothing,
		"retries": commandline.Nothing,
	} {
		_ = c.RegisterFlagCompletionFunc(option, complete)
	}
	return c
}

func (o *mapOptions) flags(f *pflag.FlagSet) {
	f.SetInterspersed(false)
	f.SortFlags = false
	f.IntVarP(&o.jobs, "jobs", "j", 0, "`N` calls at once; unless given, as many as the replicas' workers or processors")
	f.StringVar(&o.framing, "framing", "lines", "how records end: `FORM` is lines, nul, u32 or npy")
	f.BoolVarP(&o.null, "null", "0", false, "the same as --framing nul")
	f.BoolVar(&o.unordered, "unordered", false, "write results as they come")
	f.BoolVar(&o.tag, "tag", false, "write the record and a tab before each line of its result")
	f.IntVar(&o.retries, "retries", 1, "a record that was lost with its worker runs `N` times more; 0: never")
	f.StringVar(&o.halt, "halt", "", "after a failure begin no more (`WHEN` is soon), or end what runs, too (now)")
	f.StringVar(&o.joblog, "joblog", "", "write a line on each record to `FILE`, as GNU parallel does")
	f.BoolVar(&o.resume, "resume", false, "skip the records that the joblog has")
	f.BoolVar(&o.showProgress, "progress", false, "say how far it is, if stderr is a terminal")
	calls := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.call.flags(calls)
	for _, name := range callFlags {
		f.AddFlag(calls.Lookup(name))
	}
	f.Lookup("jobs").DefValue = "0"
}

// mapMemoryGoal is memoryGoal of rpc map, which holds results back.
const mapMemoryGoal = 48 << 20

// run makes the calls. Its own failures have a call's statuses: small ones count
// records.
func (o *mapOptions) run(given func(option string) bool, args []string) error {
	m, err := o.prepare(given, args)
	if err != nil {
		return &exitError{statusOwnFailure, err}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(mapMemoryGoal)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 16)
	notify(signals, []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT})
	defer signal.Stop(signals)
	go func() {
		sig := (<-signals).(syscall.Signal)
		cancel(endedBy(sig))
		for sig := range signals { // who can't wait for the calls to end
			if sig := sig.(syscall.Signal); sig == unix.SIGINT || sig == unix.SIGTERM {
				die(sig)
			}
		}
	}()
	sum, err := m.Run(ctx)
	return o.conclude(sum, err)
}

// endedBy is the cause of a run that a signal ends.
type endedBy syscall.Signal

func (e endedBy) Error() string { return "ended by " + unix.SignalName(syscall.Signal(e)) }

// conclude gives the exit status.
func (o *mapOptions) conclude(sum batch.Summary, err error) error {
	var sig endedBy
	var failed *client.Error
	var halted *batch.HaltError
	status := int(min(sum.Failed, mostFailed))
	switch {
	case err == nil && status == 0:
		return nil
	case errors.As(err, &sig):
		die(syscall.Signal(sig))
	case err == nil:
		return &exitError{status, nil}
	case errors.As(err, &halted):
		return &exitError{max(status, 1), err}
	}
	status = statusOwnFailure
	p := mayWait
	if o.call.wait > 0 {
		p = waited
	}
	if err = adviseWorker(err, nil, p); errors.As(err, &failed) {
		status = max(status, statuses[failed.Outcome])
	}
	if sum.Done > 0 {
		err = fmt.Errorf("%w; %d records are done", err, sum.Done)
	}
	return &exitError{status, err}
}

// mostFailed is the exit status where more than 100 records failed, as of GNU
// parallel.
const mostFailed = 101

// prepare makes a Map of the words. Its errors are usage errors.
func (o *mapOptions) prepare(given func(option string) bool, args []string) (*batch.Map, error) {
	if len(args) > 1 && args[1] == "--" {
		args = slices.Delete(slices.Clone(args), 1, 2)
	}
	if len(args) < 2 {
		what := []string{"worker", "procedure"}[len(args)]
		return nil, fmt.Errorf("no %s named: rpc map [OPTION...] WORKER PROCEDURE [ARG...] (see rpc map --help)", what)
	}
	if err := o.call.environment(given); err != nil {
		return nil, err
	}
	if err := refuseDescriptors(slices.Concat(args[2:], o.call.env)); err != nil {
		return nil, err
	}
	cmd := client.Command(args[0], args[1])
	if err := o.call.apply(cmd); err != nil {
		return nil, err
	}
	m := &batch.Map{
		Worker: args[0], Procedure: args[1], Args: args[2:],
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Jobs: o.jobs, Retries: o.retries, Wait: cmd.RetryFor, Unordered: o.unordered, Tag: o.tag, Joblog: o.joblog, Resume: o.resume,
		Env: cmd.Env, Dir: cmd.Dir, Call: cmd.Options,
		Complain: func(err error) { fmt.Fprintln(os.Stderr, "rpc: "+printable.Line(err.Error())) },
	}
	if o.showProgress {
		m.Progress = progressLine()
	}
	return m, o.check(given, m)
}

// check checks the values of the options, and sets what they say in words.
func (o *mapOptions) check(given func(option string) bool, m *batch.Map) error {
	framing, err := record.ParseFraming(o.framing)
	switch {
	case err != nil:
		return fmt.Errorf("cannot use --framing %q: %w", o.framing, err)
	case o.null && given("framing") && framing != record.NUL:
		return fmt.Errorf("cannot use -0 with --framing %s: say one", o.framing)
	case o.null:
		framing = record.NUL
	}
	m.Framing = framing
	switch {
	case given("jobs") && o.jobs < 1, o.jobs > mostJobs:
		return fmt.Errorf("cannot use --jobs %d: it is 1 to %d", o.jobs, mostJobs)
	case o.retries < 0:
		return fmt.Errorf("cannot use --retries %d: it is 0 or more", o.retries)
	case given("joblog") && o.joblog == "":
		return errors.New(`cannot use --joblog "": it names no file`)
	case o.resume && o.joblog == "":
		return errors.New("cannot use --resume without --joblog FILE, which says what is done")
	case o.tag && !framing.IsText():
		return fmt.Errorf("cannot use --tag with --framing %s: its records are no text", o.framing)
	}
	switch o.halt {
	case "soon":
		m.Halt = batch.HaltSoon
	case "now":
		m.Halt = batch.HaltNow
	case "":
		if given("halt") {
			return errors.New(`cannot use --halt "": write soon or now`)
		}
	default:
		return fmt.Errorf("cannot use --halt %q: write soon or now", o.halt)
	}
	return nil
}

// mostJobs bounds the calls at once: each has some descriptors.
const mostJobs = 4096
