package resident

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Call is one call of the procedure. Its handler runs in the call's directory and
// with its umask. The files are closed when the handler has returned: nothing of
// the call may use them later.
type Call struct {
	ID    string   // as `rpc ps` shows it
	Args  []string // argv, with the procedure's name as argv[0]
	Env   []string // NAME=VALUE: the call's own variables, which stand over the process's
	Umask int

	Stdin, Stdout, Stderr *os.File
	ExtraFiles            []*os.File // entry i is descriptor 3+i; nil: there is none

	// Signals gets the signals that don't cancel the call, as USR1. Those that
	// nobody takes are dropped, but for the first few.
	Signals <-chan syscall.Signal

	ctx     context.Context
	cancel  context.CancelCauseFunc
	signals chan syscall.Signal
	dir     int // descriptor of the directory; -1: none came, or it is entered
}

// maxSignals is how many signals wait for a handler.
const maxSignals = 16

// Canceled is the cause of a call's context: the call is to end soon, or its worker
// is killed.
type Canceled struct{ Signal syscall.Signal }

func (e *Canceled) Error() string { return "canceled by " + unix.SignalName(e.Signal) }

// Context ends when the call is to end: its caller has typed Ctrl-C or has left, a
// time limit has run out, or rpcd stops. Its cause (context.Cause) is a *Canceled.
func (c *Call) Context() context.Context { return c.ctx }

// Getenv gives a variable of the call, or of the process where the call has none of
// that name.
func (c *Call) Getenv(name string) string {
	for _, entry := range c.Env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return os.Getenv(name)
}

// newCall makes a call of CALL. It owns files.
func newCall(m *wire.Call, files *fdconn.Files) (*Call, error) {
	c := &Call{
		Args: append([]string{m.Procedure}, m.Args...), Env: m.Env, Umask: int(m.Umask),
		signals: make(chan syscall.Signal, maxSignals), dir: -1,
	}
	c.Signals = c.signals
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.ID = c.Getenv("RPC_CALL_ID")
	if files.Truncated || files.Len() != wire.Descriptors(m.Streams) {
		files.Close()
		return nil, fmt.Errorf("%d descriptors came for %d streams (ulimit -n?)", files.Len(), wire.Descriptors(m.Streams))
	}
	for _, st := range m.Streams {
		switch st.Mode {
		case wire.Directory:
			c.dir = files.At(int(st.Index))
		case wire.Passed:
			c.set(int(st.Number), files.At(int(st.Index)))
		}
	}
	for _, std := range []**os.File{&c.Stdin, &c.Stdout, &c.Stderr} {
		if *std == nil {
			*std, _ = os.OpenFile(os.DevNull, os.O_RDWR, 0)
		}
	}
	return c, nil
}

// set makes descriptor fd the call's descriptor number.
func (c *Call) set(number, fd int) {
	f := os.NewFile(uintptr(fd), fmt.Sprintf("/dev/fd/%d", number))
	switch number {
	case 0:
		c.Stdin = f
	case 1:
		c.Stdout = f
	case 2:
		c.Stderr = f
	default:
		for len(c.ExtraFiles) <= number-3 {
			c.ExtraFiles = append(c.ExtraFiles, nil)
		}
		c.ExtraFiles[number-3] = f
	}
}

// enter makes the call's directory and umask the process's.
func (c *Call) enter() error {
	if c.dir >= 0 {
		if err := unix.Fchdir(c.dir); err != nil {
			return err
		}
		unix.Close(c.dir)
		c.dir = -1
	}
	unix.Umask(c.Umask)
	return nil
}

// close closes all that came with the call.
func (c *Call) close() {
	if c.dir >= 0 {
		unix.Close(c.dir)
	}
	for _, f := range append([]*os.File{c.Stdin, c.Stdout, c.Stderr}, c.ExtraFiles...) {
		if f != nil {
			f.Close()
		}
	}
}

// signal tells the handler of a signal.
func (c *Call) signal(sig syscall.Signal) {
	switch sig {
	case unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT:
		c.cancel(&Canceled{sig})
		return
	}
	select {
	case c.signals <- sig:
	default:
	}
}
