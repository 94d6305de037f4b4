package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"rpcd/client"
)

func callCommand() *cobra.Command {
	o := newCallOptions()
	c := &cobra.Command{
		Use:               "call [OPTION...] WORKER PROCEDURE [ARG...]",
		Short:             "call a procedure: what rpc does without a verb",
		Long:              "Call a procedure of a worker, also of one that is named like a verb of rpc.",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeCall,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Flags().Changed, args) },
	}
	o.flags(c.Flags())
	completeOptions(c)
	return c
}

// callWithOptions reads a call that begins with its options. Cobra isn't asked,
// since it would look for verbs among the options' values, too.
func callWithOptions(words []string) error {
	o := newCallOptions()
	var showHelp, showVersion bool
	f := pflag.NewFlagSet("rpc", pflag.ContinueOnError)
	o.flags(f)
	f.BoolVarP(&showHelp, "help", "h", false, "")
	addVersionFlag(f, &showVersion)
	if err := f.Parse(words); err != nil {
		return optionError(f, err)
	}
	words = f.Args()
	isCall := len(words) > 0 && words[0] == "call"
	if isCall { // with more options behind it
		if err := f.Parse(words[1:]); err != nil {
			return optionError(f, err)
		}
		words = f.Args()
	}
	switch {
	case showHelp:
		return runVerb([]string{"--help"})
	case showVersion:
		return runVerb([]string{"--version"})
	}
	if !isCall {
		if err := checkWorkerWord(words); err != nil {
			return err
		}
	}
	return o.run(f.Changed, words)
}

// noOption says that no option was given on the command line.
func noOption(string) bool { return false }

// run makes the call. It returns with the call's status, or dies by the
// procedure's signal. given says which options stood on the command line.
func (o *callOptions) run(given func(option string) bool, args []string) error {
	if err := o.openStatus(given); err != nil {
		return &exitError{statusOwnFailure, err}
	}
	began := time.Now()
	cmd, err := o.prepare(given, args)
	if err != nil {
		o.report(cmd, 0, &client.Error{Outcome: client.ErrUsage}, 0)
		return &exitError{statusOwnFailure, err}
	}
	stdin := stdinPipe() // later it may be closed here
	// Where rpc dies while the call ends, two goroutines report: the first counts.
	var once sync.Once
	report := func(err error, killedBy syscall.Signal) {
		once.Do(func() { o.report(cmd, time.Since(began), err, killedBy) })
	}
	sig, err := callWithSignals(cmd, func(sig syscall.Signal) {
		report(&client.Error{Outcome: client.ErrCanceled, Started: cmd.ID() != "", Text: "ended by " + unix.SignalName(sig)}, sig)
	})
	if !errors.Is(err, client.ErrCanceled) {
		sig = 0
	}
	report(err, sig)
	if sig != 0 {
		die(sig)
	}
	tellLostInput(cmd, stdin)
	return exitLike(cmd.ProcessState, o.advise(err, cmd))
}

// advise says what to try after a call that failed.
func (o *callOptions) advise(err error, cmd *client.Cmd) error {
	p := mayWait
	if o.wait > 0 {
		p = waited
	}
	err = adviseProcedure(adviseWorker(err, append([]string{cmd.Procedure}, cmd.Args...), p), cmd)
	if o.onlyVariables {
		err = adviseVariables(err)
	}
	return err
}

// prepare makes a Cmd of the words. Its errors are usage errors; the Cmd is
// there all the same, for the report.
func (o *callOptions) prepare(given func(option string) bool, args []string) (*client.Cmd, error) {
	if len(args) > 1 && args[1] == "--" {
		args = append(args[:1:1], args[2:]...)
	}
	switch len(args) {
	case 0:
		return client.Command("", ""), errors.New("no worker named: rpc [OPTION...] WORKER PROCEDURE [ARG...] (rpc ls shows the workers, rpc help the rest)")
	case 1:
		hint := fmt.Sprintf("rpc ls %s shows them", args[0])
		if verb := nearVerb(args[0]); verb != "" {
			hint = fmt.Sprintf("or did you mean rpc %s?", verb)
		}
		return client.Command(args[0], ""), fmt.Errorf("no procedure named: rpc %s PROCEDURE [ARG...] (%s)", args[0], hint)
	}
	cmd := client.Command(args[0], args[1], args[2:]...)
	var err error
	if cmd.ExtraFiles, err = o.extraFiles(slices.Concat(args[2:], o.env)); err != nil {
		return cmd, err
	}
	if err := o.environment(given); err != nil {
		return cmd, err
	}
	return cmd, o.apply(cmd)
}
