package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/rpcd/duration"
)

// callOptions are the options of a call as they were written.
type callOptions struct {
	env                      []string
	dir, pass, label         string
	serverUID                string
	stdinNull, verbose, noop bool
	statusFD                 int
	timeout, wait, heartbeat duration.Value
}

func newCallOptions() *callOptions { return &callOptions{pass: "all", statusFD: -1} }

// flags adds the options to c, which may have no others.
func (o *callOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.SetInterspersed(false) // options end at WORKER
	f.SortFlags = false
	f.StringArrayVarP(&o.env, "env", "e", nil, "this variable crosses, if the worker admits it (repeatable `NAME[=VALUE]`) [RPC_ENV: names, commas]")
	f.StringVarP(&o.dir, "chdir", "C", "", "`DIR` on the worker [RPC_CHDIR]")
	f.BoolVarP(&o.stdinNull, "stdin-null", "n", false, "the procedure's stdin is empty")
	f.Var(&o.timeout, "timeout", "how long the procedure may run; then TERM, CONT, grace, KILL and status 124 [RPC_TIMEOUT]")
	f.Var(&o.wait, "wait", "how long to try on while the worker is unreachable, draining or busy [RPC_WAIT]")
	f.StringVar(&o.pass, "pass", o.pass, "`WHICH` descriptors travel: all, pipes (and /dev/null) or none; the rest goes as streams [RPC_PASS]")
	f.IntVar(&o.statusFD, "status-fd", -1, "write one line of JSON to descriptor `N` when the call ends")
	f.StringVar(&o.label, "label", "", "`TEXT` shown by rpc ps and in the worker's log [RPC_LABEL]")
	f.StringVar(&o.serverUID, "server-uid", "", "refuse to call unless the socket's owner is `UID` [RPC_SERVER_UID]")
	f.Var(&o.heartbeat, "heartbeat", "bridged: how soon a dead other side is noticed [RPC_HEARTBEAT]")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "say before the start: replica, directory, how each stream travels")
	f.BoolVarP(&o.noop, "interactive", "i", false, "nothing: stdin is always connected")
	_ = f.MarkHidden("interactive")
	for flag, byDefault := range map[string]string{"timeout": "", "wait": "", "heartbeat": "30s", "status-fd": "0"} { // for the help's eyes
		f.Lookup(flag).DefValue = byDefault
	}
}

// environment takes the variables of options that weren't given.
func (o *callOptions) environment(given func(flag string) bool) error {
	text := func(to *string) func(string) error {
		return func(v string) error { *to = v; return nil }
	}
	for _, v := range []struct {
		flag, variable string
		set            func(string) error
	}{
		{"chdir", "RPC_CHDIR", text(&o.dir)},
		{"timeout", "RPC_TIMEOUT", o.timeout.Set},
		{"wait", "RPC_WAIT", o.wait.Set},
		{"pass", "RPC_PASS", text(&o.pass)},
		{"label", "RPC_LABEL", text(&o.label)},
		{"server-uid", "RPC_SERVER_UID", text(&o.serverUID)},
		{"heartbeat", "RPC_HEARTBEAT", o.heartbeat.Set},
	} {
		value := os.Getenv(v.variable)
		if value == "" || given(v.flag) {
			continue
		}
		if err := v.set(value); err != nil {
			return fmt.Errorf("cannot use %s=%q: %w", v.variable, value, err)
		}
	}
	names := os.Getenv("RPC_ENV")
	for names != "" {
		var name string
		name, names, _ = strings.Cut(names, ",")
		if name = strings.TrimSpace(name); name != "" {
			o.env = append([]string{name}, o.env...)
		}
	}
	return nil
}

// openStatus checks --status-fd, and takes a copy of it, since rpc lets go of
// its own stdout early. What is closed on exec wasn't inherited: it is one of
// the runtime's own.
func (o *callOptions) openStatus(given func(flag string) bool) error {
	if !given("status-fd") {
		return nil
	}
	n := o.statusFD
	o.statusFD = -1
	refuse := func(why string) error { return fmt.Errorf("cannot use --status-fd %d: %s", n, why) }
	if n < 0 || n > math.MaxInt32 {
		return refuse("that is no descriptor")
	}
	own, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	if err != nil || own&unix.FD_CLOEXEC != 0 {
		return refuse("that descriptor isn't open")
	}
	if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFL, 0); err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY {
		return refuse("that descriptor isn't open for writing")
	}
	fd, err := unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return refuse(err.Error())
	}
	o.statusFD = fd
	return nil
}

// apply checks the options and gives them to cmd.
func (o *callOptions) apply(cmd *client.Cmd) error {
	switch o.pass {
	case "all":
	case "pipes":
		cmd.Pass = client.PassPipes
	case "none":
		cmd.Pass = client.PassNone
	default:
		return fmt.Errorf("cannot use --pass %q: it is all, pipes or none", o.pass)
	}
	for _, e := range o.env {
		if e == "" || e[0] == '=' {
			return fmt.Errorf("cannot use --env %q: it is NAME or NAME=VALUE", e)
		}
	}
	if o.serverUID != "" {
		uid, err := strconv.ParseUint(o.serverUID, 10, 32)
		if err != nil {
			return fmt.Errorf("cannot use --server-uid %q: it is a number", o.serverUID)
		}
		uid32 := uint32(uid)
		cmd.ServerUID = &uid32
	}
	cmd.Env, cmd.Dir, cmd.Label = o.env, o.dir, o.label
	cmd.Timeout, cmd.Patience, cmd.Heartbeat = time.Duration(o.timeout), time.Duration(o.wait), time.Duration(o.heartbeat)
	mask := uint32(unix.Umask(0o077))
	unix.Umask(int(mask)) // before anything runs beside
	cmd.Umask = &mask
	if o.verbose {
		cmd.Verbose = os.Stderr
	}
	if !o.stdinNull {
		cmd.Stdin = os.Stdin
	}
	cmd.Stdout, cmd.Stderr, cmd.LetGo = os.Stdout, os.Stderr, true
	return nil
}
