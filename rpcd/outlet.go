package rpcd

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// leftWait is how long an output is read on after the procedure's end when
// something else still holds its pipe.
const leftWait = 200 * time.Millisecond

var errLeft = errors.New("held by another process")

// outlet relays one output: from the child's pipe to the caller. Its goroutine
// is run's; finish may be called once, by another.
type outlet struct {
	conn  *fdconn.Conn
	pipe  *os.File
	out   *wire.Out
	done  chan struct{} // closed: END is sent, bytes and left are final
	bytes int64
	left  bool

	last      bool // run's own: the procedure has ended, remaining is set
	remaining int  // bytes that were in the pipe then
}

func newOutlet(c *fdconn.Conn, r *wire.Relay, st wire.Stream, pipe *os.File) *outlet {
	o := &outlet{conn: c, pipe: pipe, done: make(chan struct{})}
	o.out = r.Out(st.Number, st.Window, func(out *wire.Out) {
		out.OnClosed(func() { go pipe.Close() }) // the child gets SIGPIPE; Close waits for a Splice
	})
	return o
}

func (o *outlet) run() {
	defer close(o.done)
	var err error
	o.bytes, err = o.out.ReadFrom(o)
	o.left = errors.Is(err, errLeft)
	o.pipe.Close()
	_ = o.out.Close()
}

// finish tells run that the procedure has ended.
func (o *outlet) finish() {
	_ = o.pipe.SetReadDeadline(time.Unix(1, 0)) // wakes a waiting Read
}

// leastSplice is from how many bytes on a frame is spliced; fewer are cheaper
// to copy.
const leastSplice = 32 << 10

// Splice sends what lies in the pipe, if it is much.
func (o *outlet) Splice(max int, header func(n int) ([]byte, error)) (int, error) {
	n, err := unread(o.pipe)
	if err != nil || o.last && o.remaining == 0 {
		return 0, nil // Read says why
	}
	if o.last {
		n = min(n, o.remaining)
	}
	if n = min(n, max); n < leastSplice {
		return 0, nil
	}
	head, err := header(n)
	if err != nil {
		return 0, err
	}
	if cerr := control(o.pipe, func(fd int) { err = o.conn.Splice(head, fd, n) }); cerr != nil {
		err = cerr
	}
	if err != nil {
		o.conn.Close() // a frame was cut
		return 0, err
	}
	if o.last {
		if o.remaining -= n; o.remaining == 0 {
			o.deadline()
		}
	}
	return n, nil
}

// Read reads the pipe: as it comes while the procedure runs; then what was
// written before its end, whole; then, for leftWait, what others write.
func (o *outlet) Read(p []byte) (int, error) {
	if !o.last {
		n, err := o.pipe.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		o.last = true
		if o.remaining, err = unread(o.pipe); err != nil {
			return 0, err
		}
		_ = o.pipe.SetReadDeadline(time.Time{})
		o.deadline()
	}
	if o.remaining > 0 {
		n, err := o.pipe.Read(p[:min(len(p), o.remaining)])
		if o.remaining -= n; o.remaining == 0 {
			o.deadline()
		}
		return n, err
	}
	n, err := o.pipe.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errLeft
	}
	return n, err
}

// deadline bounds the reads after the last byte that is due.
func (o *outlet) deadline() {
	if o.remaining == 0 {
		_ = o.pipe.SetReadDeadline(time.Now().Add(leftWait))
	}
}

// unread is how many bytes lie in a pipe (FIONREAD, pipe(7)).
func unread(f *os.File) (int, error) {
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	var ierr error
	if err := rc.Control(func(fd uintptr) { n, ierr = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
		return 0, err
	}
	return n, ierr
}

var (
	_ io.Reader    = (*outlet)(nil)
	_ wire.Splicer = (*outlet)(nil)
)
