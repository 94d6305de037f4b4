package rpcd

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// leftWait is how long an output is read on when the procedure has ended, all
// that was written before is read, and something else still holds its pipe.
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

	mu     sync.Mutex
	over   bool        // the procedure has ended
	due    int         // bytes that were in the pipe then
	giveUp *time.Timer // of others

	// run's own
	last      bool     // it knows that the procedure has ended
	remaining int      // bytes of what is due
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
	o.mu.Lock()
	if o.giveUp != nil {
		o.giveUp.Stop()
	}
	o.pipe.Close() // finish comes too late from now on
	o.mu.Unlock()
	if o.passage != nil {
		o.passage.close()
	}
	_ = o.out.Close()
}

// finish tells run that the procedure has ended.
func (o *outlet) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := unread(o.pipe)
	if err != nil {
		return
	}
	o.over, o.due = true, n
	if n == 0 {
		o.others()
	} else {
		_ = o.pipe.SetReadDeadline(time.Unix(1, 0)) // wakes a Read whose bytes another process took
	}
}

// begin sees whether finish was called, and what of the bytes that are due is
// still in the pipe.
func (o *outlet) begin() {
	if o.last {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.over
	if o.due > 0 {
		n, _ := unread(o.pipe)
		o.remain(min(n, o.due))
	}
}

func (o *outlet) remain(n int) {
	if o.remaining = n; n == 0 {
		o.others()
	}
}

// others ends the stream when all that is due is read: at once if nobody holds
// the pipe, else after leftWait in all, however fast others write and however
// slowly the caller reads.
func (o *outlet) others() {
	if hungUp(o.pipe) {
		o.out.Stop(io.EOF)
		return
	}
	_ = o.pipe.SetReadDeadline(time.Now().Add(leftWait))
	o.giveUp = time.AfterFunc(leftWait, func() { o.out.Stop(errLeft) })
}

// leastSplice is from how many bytes on a frame is spliced; fewer are cheaper
// to copy.
const leastSplice = 32 << 10

// Splice sends what lies in the pipe, if it is much.
func (o *outlet) Splice(max int, header func(n int) ([]byte, error)) (int, error) {
	o.begin()
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
		o.remain(o.remaining - n)
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
	for {
		o.begin()
		if o.remaining > 0 {
			n, err := o.readNow(p[:min(len(p), o.remaining)])
			if err != unix.EAGAIN {
				o.remain(o.remaining - n)
				return n, err
			}
			o.remain(0) // another process has taken the rest
		}
		if o.last && hungUp(o.pipe) { // finish's wake isn't the end of others' time
			return 0, io.EOF
		}
		n, err := o.pipe.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if o.last {
			return 0, errLeft
		}
	}
}

// readNow reads without waiting.
func (o *outlet) readNow(p []byte) (int, error) {
	var n int
	var err error
	if cerr := control(o.pipe, func(fd int) { n, err = unix.Read(fd, p) }); cerr != nil {
		return 0, cerr
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
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

// hungUp says whether a pipe is empty and will stay so.
func hungUp(f *os.File) bool {
	fds := []unix.PollFd{{Events: unix.POLLIN}}
	err := control(f, func(fd int) {
		fds[0].Fd = int32(fd)
		_, _ = unix.Poll(fds, 0)
	})
	return err == nil && fds[0].Revents == unix.POLLHUP
}

var (
	_ io.Reader    = (*outlet)(nil)
	_ wire.Splicer = (*outlet)(nil)
)
