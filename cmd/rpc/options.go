package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/door"
	"rpcd/rpcd/duration"
)

// callOptions are the options of a call as they were written.
type callOptions struct {
	env                      []string
	dir                      dirValue
	pass, label              string
	serverUID                string
	stdinNull, verbose       bool
	interactive              bool     // -i: accepted from docker's habit, and without a meaning
	statusFD                 int      // a copy of the one given, or -1
	statusNumber             int      // the one given, or -1
	fds                      fdsValue // --fd
	onlyVariables            bool     // the caller can give no option: it is a shim, or rpc-rsh
	tty                      bool
	timeout, wait, heartbeat duration.Value
}

func newCallOptions() *callOptions { return &callOptions{pass: "all", statusFD: -1, statusNumber: -1} }

// flags adds the options to f, where options end at the first other word.
func (o *callOptions) flags(f *pflag.FlagSet) {
	f.SetInterspersed(false)
	f.SortFlags = false
	f.StringArrayVarP(&o.env, "env", "e", nil, "let `NAME[=VAL]` cross, if admitted [RPC_ENV: A,B,C]")
	f.VarP(&o.dir, "chdir", "C", "run in `DIR` on the worker [RPC_CHDIR]")
	f.BoolVarP(&o.stdinNull, "stdin-null", "n", false, "the procedure's stdin is empty; nothing is read here")
	f.BoolVarP(&o.tty, "tty", "t", false, "a terminal for the procedure, of this one's size")
	f.Var(&o.fds, "fd", "descriptor `N` crosses, too; may come again")
	f.Var(&o.timeout, "timeout", "the longest it may run; then TERM, KILL [RPC_TIMEOUT]")
	f.Var(&o.wait, "wait", "try a down, draining or busy worker for D [RPC_WAIT]")
	f.StringVar(&o.pass, "pass", o.pass, "`WHICH` fds travel: all (default), pipes, none [RPC_PASS]")
	f.IntVar(&o.statusFD, "status-fd", -1, "write a line of JSON to descriptor `N` when the call ends")
	f.StringVar(&o.label, "label", "", "`TEXT` in rpc ps and in the worker's log [RPC_LABEL]")
	f.StringVar(&o.serverUID, "server-uid", "", "refuse a socket whose owner isn't `UID` [RPC_SERVER_UID]")
	f.Var(&o.heartbeat, "heartbeat", "notice a lost side in D [RPC_HEARTBEAT]")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "say replica, directory and each stream's way first")
	f.BoolVarP(&o.interactive, "interactive", "i", false, "nothing: stdin is always connected")
	_ = f.MarkHidden("interactive")
	// The help prints no default where it is pflag's zero value.
	for option, shown := range map[string]string{"timeout": "", "wait": "", "heartbeat": "30s", "status-fd": "0", "fd": "0", "pass": ""} {
		f.Lookup(option).DefValue = shown
	}
}

// addVersionFlag adds --version, which only stands before a call.
func addVersionFlag(f *pflag.FlagSet, show *bool) {
	f.BoolVar(show, "version", false, "print the version")
	_ = f.MarkHidden("version") // the verb is shown
}

// environment takes the variables of the options that weren't given on the
// command line. An empty variable is an unset one.
func (o *callOptions) environment(given func(option string) bool) error {
	text := func(to *string) func(string) error {
		return func(v string) error { *to = v; return nil }
	}
	for _, v := range []struct {
		option, variable string
		set              func(string) error
	}{
		{"chdir", "RPC_CHDIR", o.dir.Set},
		{"timeout", "RPC_TIMEOUT", o.timeout.Set},
		{"wait", "RPC_WAIT", o.wait.Set},
		{"pass", "RPC_PASS", text(&o.pass)},
		{"label", "RPC_LABEL", text(&o.label)},
		{"server-uid", "RPC_SERVER_UID", text(&o.serverUID)},
		{"heartbeat", "RPC_HEARTBEAT", o.heartbeat.Set},
	} {
		value := os.Getenv(v.variable)
		if value == "" || given(v.option) {
			continue
		}
		if err := v.set(value); err != nil {
			return fmt.Errorf("cannot use %s=%q: %w", v.variable, value, err)
		}
	}
	// Those of -e stand behind: of one name the last counts.
	var names []string
	for name := range strings.SplitSeq(os.Getenv("RPC_ENV"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	o.env = append(names, o.env...)
	return nil
}

// apply checks the options and gives them to cmd. The call gets this process's
// own streams and umask.
func (o *callOptions) apply(cmd *client.Cmd) error {
	var err error
	if cmd.Pass, err = passOf(o.pass); err != nil {
		return err
	}
	for _, e := range o.env {
		if e == "" || e[0] == '=' {
			return fmt.Errorf("cannot use --env %q: write NAME or NAME=VALUE", e)
		}
	}
	if cmd.ServerUID, err = uidOf(o.serverUID); err != nil {
		return err
	}
	cmd.Env, cmd.Dir, cmd.Label = o.env, string(o.dir), o.label
	cmd.Timeout, cmd.RetryFor, cmd.Heartbeat = time.Duration(o.timeout), time.Duration(o.wait), time.Duration(o.heartbeat)
	cmd.Umask = ownUmask()
	if o.verbose {
		cmd.Verbose = os.Stderr
	}
	if !o.stdinNull {
		cmd.Stdin = os.Stdin
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	door.Of(cmd).ReleaseFiles()
	if o.tty {
		return askTerminal(cmd)
	}
	return nil
}

// passOf reads the value of --pass.
func passOf(s string) (client.Pass, error) {
	switch s {
	case "all":
		return client.PassAll, nil
	case "pipes":
		return client.PassPipes, nil
	case "none":
		return client.PassNone, nil
	}
	return 0, fmt.Errorf("cannot use --pass %q: write all, pipes or none", s)
}

// uidOf reads the value of --server-uid; nil: any user may serve.
func uidOf(s string) (*uint32, error) {
	if s == "" {
		return nil, nil
	}
	uid, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot use --server-uid %q: write the number of a user", s)
	}
	uid32 := uint32(uid)
	return &uid32, nil
}

// ownUmask reads the umask, which umask(2) only gives by setting it. No other
// goroutine may make files yet.
func ownUmask() *uint32 {
	mask := uint32(unix.Umask(0o077))
	unix.Umask(int(mask))
	return &mask
}
