package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

const killUsage = "rpc kill WORKER ID [SIGNAL], or rpc kill -SIGNAL WORKER ID..."

func killCommand() *cobra.Command {
	var named signalWords
	var list bool
	c := &cobra.Command{
		Use:   "kill WORKER ID [SIGNAL]",
		Short: "signal a call, or cancel one that waits",
		Long: `Send a signal to the process group of a call, as rpc ps shows it, or cancel a
call that waits. SIGNAL is as kill(1) takes it: TERM (unless said), SIGTERM or
15, also as an option: -TERM, -15, -s TERM. Several calls need it so, or as a
name behind them. You reach calls of your own uid; root and the worker's own
user all. The call's caller is told who sent it.`,
		DisableFlagsInUseLine: true,
		Args:                  cobra.ArbitraryArgs,
		ValidArgsFunction:     completeKill,
		RunE: func(c *cobra.Command, args []string) error {
			if list {
				return listSignals(c, append(named, args...))
			}
			k, err := parseKill(named, args)
			if err != nil {
				return err
			}
			return k.send()
		},
	}
	c.Flags().VarP(&named, "signal", "s", "the signal; -9, -KILL and -SIGKILL are short for it")
	_ = c.RegisterFlagCompletionFunc("signal", cobra.FixedCompletions(signalNames(), cobra.ShellCompDirectiveNoFileComp))
	c.Flags().BoolVarP(&list, "list", "l", false, "print the names of the signals")
	return c
}

// signalWords are the values of --signal. More than one is an error.
type signalWords []string

func (s *signalWords) Set(word string) error {
	*s = append(*s, word)
	return nil
}

func (s *signalWords) String() string { return strings.Join(*s, " ") }
func (s *signalWords) Type() string   { return "SIGNAL" }

// signalOptions writes kill(1)'s options of signals, as -9 and -KILL, as --signal,
// which the parser of options knows. words are rpc's, or those of its completion.
func signalOptions(words []string) []string {
	verb := 0
	if len(words) > 0 && strings.HasPrefix(words[0], cobra.ShellCompRequestCmd) {
		verb = 1
	}
	if len(words) <= verb || words[verb] != "kill" {
		return words
	}
	words = slices.Clone(words)
	for i := verb + 1; i < len(words) && words[i] != "--"; i++ {
		if words[i] == "-s" || words[i] == "--signal" { // its value is the next word
			i++
		} else if isSignalOption(words[i]) {
			words[i] = "--signal=" + words[i][1:]
		}
	}
	return words
}

// isSignalOption: a number, capitals, or a signal's name in any case.
func isSignalOption(word string) bool {
	name, ok := strings.CutPrefix(word, "-")
	if !ok || name == "" {
		return false
	}
	return '0' <= name[0] && name[0] <= '9' || 'A' <= name[0] && name[0] <= 'Z' || signalNamed(name) != 0
}

// kill is what rpc kill was told to do.
type kill struct {
	worker string
	ids    []string
	signal syscall.Signal
}

// parseKill reads the values of --signal, and the words that are no options:
// WORKER ID... [SIGNAL]. A number behind one id is SIGNAL; behind several it might
// be an id, too, so there it is one.
func parseKill(named, args []string) (*kill, error) {
	if len(args) < 2 {
		return nil, usage("no call named: %s (see rpc kill --help)", killUsage)
	}
	k := &kill{worker: args[0], ids: args[1:], signal: unix.SIGTERM}
	number := "" // that stands for a signal, behind an id
	if last := len(k.ids) - 1; len(named) == 0 && last > 0 && (last == 1 || !isNumber(k.ids[last])) {
		named, k.ids = k.ids[last:], k.ids[:last]
		if isNumber(named[0]) {
			number = named[0]
		}
	}
	for _, id := range k.ids {
		switch {
		case id == "":
			return nil, usage("cannot signal a call without an id (rpc ps %s shows them)", k.worker)
		case signalNamed(id) != 0:
			return nil, usage("%q is a signal, where a call's id belongs: %s (see rpc kill --help)", id, killUsage)
		}
	}
	if len(named) > 1 {
		return nil, usage("cannot send %d signals at once (%s)", len(named), strings.Join(named, ", "))
	}
	var err error
	if len(named) == 1 {
		k.signal, err = signalOf(named[0])
	}
	if err == nil && number != "" {
		err = k.checkNumber(number)
	}
	return k, err
}

// checkNumber refuses a signal's number that is also the id of a call: whoever
// means two calls would send one of them a signal that may dump its core.
func (k *kill) checkNumber(number string) error {
	calls, _ := client.Calls(context.Background(), k.worker, answerTime)
	if !slices.ContainsFunc(calls, func(c client.Running) bool { return c.ID == number }) {
		return nil
	}
	return usage("%s is a signal and also a call of %s: say rpc kill -%s %[2]s %[4]s, or for both calls rpc kill -TERM %[2]s %[4]s %[1]s",
		number, k.worker, number, k.ids[0])
}

// send signals all the calls, and says which it couldn't.
func (k *kill) send() error {
	var failed []error
	for _, id := range k.ids {
		if err := client.Kill(context.Background(), k.worker, id, k.signal, answerTime); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) < 2 {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		fmt.Fprintln(os.Stderr, "rpc: "+printable.Line(err.Error()))
	}
	return &exitError{statusFailed, nil}
}

func isNumber(s string) bool { _, err := strconv.Atoi(s); return err == nil }

// signalNamed gives the signal of a name as kill(1) takes it, or 0.
func signalNamed(name string) syscall.Signal {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	return unix.SignalNum(name)
}

// signalOf reads a signal as kill(1) takes it: TERM, SIGTERM or 15.
func signalOf(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > wire.MaxSignal {
			return 0, usage("cannot send signal %d: it is 1 to %d", n, wire.MaxSignal)
		}
		return syscall.Signal(n), nil
	}
	if sig := signalNamed(s); sig != 0 {
		return sig, nil
	}
	return 0, usage("cannot send the signal %q: write a name or a number, as TERM, SIGTERM or 15", s)
}
