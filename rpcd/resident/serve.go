package resident

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Handler serves calls, one after the other.
type Handler interface {
	// ServeCall gives the call's exit status, 0 to 255. -N says that it ended as by
	// signal N. When the call's context ends it has to return soon.
	ServeCall(*Call) int
}

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(*Call) int

// ServeCall calls f.
func (f HandlerFunc) ServeCall(c *Call) int { return f(c) }

// variable names the descriptor that a resident worker talks to rpcd by.
const variable = "RPC_RESIDENT_FD"

// ErrNotResident says that this process isn't one of rpcd's resident workers.
var ErrNotResident = errors.New("not started by rpcd as a resident worker (" + variable + " isn't set: has its procedure a file workers?)")

// lastWait is how long a handler may go on when rpcd is gone.
const lastWait = 5 * time.Second

// worker is this process, as rpcd's resident worker.
type worker struct {
	conn *fdconn.Conn
	br   *bufio.Reader

	mu   sync.Mutex
	call *Call         // nil: there is none
	over chan struct{} // closed: the call's EXIT is sent; nil: there was no call
}

// connect takes the descriptor that the environment names, once.
var connect = sync.OnceValues(func() (*worker, error) {
	fd, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		return nil, ErrNotResident
	}
	_ = os.Unsetenv(variable) // what this process starts is no resident worker
	unix.CloseOnExec(fd)
	conn, err := fdconn.Adopt(fd)
	if err != nil {
		return nil, err
	}
	conn.Receive(fdconn.MaxDescriptors)
	return &worker{conn: conn, br: bufio.NewReader(conn)}, nil
})

// Loading says that the program will serve, and isn't ready yet. rpcd gives up a
// process that says nothing for 10 s: so a program that loads for longer calls
// Loading first.
func Loading() error {
	w, err := connect()
	if err != nil {
		return err
	}
	return w.conn.WriteFrame(wire.Frame(wire.TypeHeartbeat, 0, 0, nil))
}

// Serve says that the program is ready, and serves calls until rpcd doesn't need it
// any more. Then it returns nil. It may be called once.
//
// A handler that panics has the stack on its call's stderr and the exit status 2.
func Serve(h Handler) error {
	w, err := connect()
	if err != nil {
		return err
	}
	defer w.conn.Close()
	if err := w.conn.WriteFrame(wire.Ready(0)); err != nil {
		return err
	}
	err = w.serve(h)
	w.leave()
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) {
		return nil
	}
	return err
}

// leave cancels a call that runs, and waits until its handler returns.
func (w *worker) leave() {
	w.mu.Lock()
	over := w.over
	if w.call != nil {
		w.call.signal(unix.SIGTERM)
	}
	w.mu.Unlock()
	if over == nil {
		return
	}
	select {
	case <-over:
	case <-time.After(lastWait):
	}
}

// serve takes rpcd's frames.
func (w *worker) serve(h Handler) error {
	for {
		header, err := wire.ReadHeader(w.br)
		if err != nil {
			return err
		}
		payload, err := wire.ReadPayload(w.br, header)
		switch {
		case err != nil:
		case header.Type == wire.TypeCall:
			err = w.begin(h, header, payload, w.conn.TakeFiles())
		case header.Type == wire.TypeSignal: // what the next CALL brings may be here already
			err = w.signal(payload)
		case header.Type.First():
			w.conn.TakeFiles().Close()
			err = w.conn.WriteFrame((&wire.Refused{Code: wire.Protocol, Text: "has a resident worker that doesn't know " + header.Type.String()}).Append())
		default:
			err = fmt.Errorf("%w: a %v frame from rpcd", wire.ErrProtocol, header.Type)
		}
		if err != nil {
			w.conn.TakeFiles().Close()
			return err
		}
	}
}

// signal tells the call of a SIGNAL. One that comes when the call is over was for
// nobody.
func (w *worker) signal(payload []byte) error {
	sig, err := wire.ParseSignal(payload)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.call != nil {
		w.call.signal(syscall.Signal(sig))
	}
	return nil
}

// begin begins a call, which then has a goroutine of its own. It owns files.
func (w *worker) begin(h Handler, header wire.Header, payload []byte, files *fdconn.Files) error {
	m, err := wire.ParseCall(header.Flags, payload)
	if err != nil {
		files.Close()
		return err
	}
	c, err := newCall(m, files)
	if err != nil {
		return w.conn.WriteFrame((&wire.Refused{Code: wire.Failed, Text: "has a resident worker that can't begin: " + err.Error(), ID: idOf(m)}).Append())
	}
	if err := c.enter(); err != nil {
		c.close()
		return w.conn.WriteFrame((&wire.Refused{Code: wire.NoDirectory, Text: "has a resident worker that can't enter the directory: " + err.Error(), ID: c.ID}).Append())
	}
	over := make(chan struct{})
	w.mu.Lock()
	w.call, w.over = c, over
	w.mu.Unlock()
	if err := w.conn.WriteFrame((&wire.Started{ID: c.ID}).Append(wire.TypeStarted)); err != nil {
		close(over)
		return err
	}
	go w.run(h, c, over)
	return nil
}

// idOf gives the id of a call that couldn't be made.
func idOf(m *wire.Call) string { return (&Call{Env: m.Env}).Getenv("RPC_CALL_ID") }

// run runs a call's handler and answers by EXIT.
func (w *worker) run(h Handler, c *Call, over chan struct{}) {
	defer close(over)
	before := usage()
	status := handle(h, c)
	used := usage()
	w.mu.Lock()
	w.call = nil
	w.mu.Unlock()
	c.cancel(nil)
	c.close()
	_ = unix.Chdir("/") // else the process keeps a volume from being unmounted
	exit := &wire.Exit{Status: uint32(status&0xff) << 8, Consumed: -1, ID: c.ID, User: used.user - before.user, System: used.system - before.system}
	if status < 0 {
		exit.Status = uint32(-status & 0x7f)
	}
	_ = w.conn.WriteFrame(exit.Append())
}

// handle calls the handler.
func handle(h Handler, c *Call) (status int) {
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(c.Stderr, "panic: %v\n\n%s", v, debug.Stack())
			status = 2 // as of Go's runtime
		}
	}()
	return h.ServeCall(c)
}

// times are the process's so far.
type times struct{ user, system time.Duration }

func usage() times {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return times{time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())}
}
