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

	// run's own
	last      bool     // the procedure has ended, remaining is set
	remaining int      // bytes that were in the pipe then
	passage   *passage // nil: not needed yet
	copies    bool     // there is none to be had, or no splice
}

func newOutlet(c *fdconn.Conn, r *wire.Relay, st wire.Stream, pipe *os.File) *outlet {
	o := &outlet{conn: c, pipe: pipe, done: make(chan struct{})}
	o.out = r.Out(st.Number, st.Window, func(out *wire.Out) {
		out.OnClosed(func() { pipe.Close() }) // the child gets SIGPIPE
	})
	return o
}

func (o *outlet) run() {
	defer close(o.done)
	var err error
	o.bytes, err = o.out.ReadFrom(o)
	o.left = errors.Is(err, errLeft)
	o.pipe.Close()
	if o.passage != nil {
		o.passage.close()
	}
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
	if n = o.take(n); n == 0 { // a header promises what is ours
		return 0, nil
	}
	head, err := header(n)
	if err != nil {
		return 0, err
	}
	if err := o.conn.Splice(head, o.passage[0], n); err != nil {
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

// passage is the two ends of a pipe of our own, between the procedure's and the
// socket: what lies there nobody else can take. Who has it closes it.
type passage [2]int

func newPassage() (*passage, error) {
	var p passage
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	_, _ = unix.FcntlInt(uintptr(p[1]), unix.F_SETPIPE_SZ, outPipe)
	return &p, nil
}

func (p *passage) close() { closeAll(p[:]) }

// take moves up to n bytes from the procedure's pipe into the empty passage,
// and gives how many. It doesn't wait: another process that has the pipe may
// have been quicker.
func (o *outlet) take(n int) int {
	if o.copies {
		return 0
	}
	if o.passage == nil {
		var err error
		if o.passage, err = newPassage(); err != nil { // at the limit of descriptors
			o.copies = true
			return 0
		}
	}
	var moved int64
	var err error
	if control(o.pipe, func(fd int) {
		moved, err = unix.Splice(fd, nil, o.passage[1], nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	}) != nil {
		return 0
	}
	o.copies = err != nil && err != unix.EAGAIN // a sandbox without splice
	return int(max(moved, 0))
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
