package rpcd

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// stdin is read ahead of the procedure by what is granted and what the pipe
// holds, together 64 KiB.
const (
	inWindow = 32 << 10
	inPipe   = 32 << 10
	inPiece  = 8 << 10 // granted again as it goes: over TCP, silence costs 40 ms of delayed ACK
	lineSize = 4096    // a terminal's longest line (termios(3)), and the smallest pipe
)

// inlet relays stdin: from the caller to the child's pipe. Its goroutine is
// run's; finish is called once, by another.
type inlet struct {
	pipe *os.File // the writing end
	in   *wire.In
	line bool
	done chan struct{} // closed: run is over

	written  int64
	consumed int64 // after finish; -1: not known

	probe *os.File // a reading end, kept from END on to measure what is left
}

func newInlet(r *wire.Relay, st wire.Stream, pipe *os.File) *inlet {
	i := &inlet{pipe: pipe, line: st.Flags&wire.StreamLine != 0, done: make(chan struct{}), consumed: -1}
	size, mode := inPipe, (*wire.In).Manual
	if i.line {
		// In a pipe of one page a write waits until the last line is taken, and
		// readiness to write says just that.
		size, mode = lineSize, (*wire.In).Line
	}
	i.in = r.In(st.Number, 0, inWindow, mode)
	_ = control(pipe, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size) })
	return i
}

func (i *inlet) run() {
	defer close(i.done)
	window := uint32(inWindow)
	if i.line {
		window = lineSize
	}
	if i.in.Grant(window) != nil {
		return
	}
	for {
		b, err := i.in.Next()
		if err == io.EOF {
			i.end()
			return
		}
		if err != nil { // the caller has left, or finish
			return
		}
		for len(b) > 0 {
			n, err := i.pipe.Write(b[:min(len(b), inPiece)])
			i.written += int64(n)
			if err != nil { // EPIPE: the procedure reads no more; or finish
				_ = i.in.Close()
				return
			}
			b = b[n:]
			if !i.line {
				_ = i.in.Grant(uint32(n))
			}
		}
		if i.line {
			if i.drained() != nil {
				return
			}
			_ = i.in.Grant(lineSize)
		}
	}
}

// end closes the pipe for the procedure to see the end of its stdin, and keeps
// a reading end: nobody writes any more, so that it can't hide a closed pipe.
func (i *inlet) end() {
	_ = control(i.pipe, func(fd int) {
		probe, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == nil {
			i.probe = os.NewFile(uintptr(probe), "pipe")
		}
	})
	i.pipe.Close()
}

// drained waits until the procedure has taken everything.
func (i *inlet) drained() error {
	rc, err := i.pipe.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Write(func(fd uintptr) bool {
		n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		return err != nil || n == 0
	})
}

// finish ends the relaying after the procedure's end, and measures what it
// took.
func (i *inlet) finish() {
	_ = i.pipe.SetWriteDeadline(time.Unix(1, 0)) // wakes a waiting Write
	_ = i.in.Close()
	<-i.done
	pipe := i.pipe
	if i.probe != nil {
		pipe = i.probe
	}
	if n, err := unread(pipe); err == nil {
		i.consumed = i.written - int64(n)
	}
	i.close()
}

func (i *inlet) close() {
	i.pipe.Close()
	if i.probe != nil {
		i.probe.Close()
	}
}

func control(f *os.File, do func(fd int)) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Control(func(fd uintptr) { do(int(fd)) })
}
