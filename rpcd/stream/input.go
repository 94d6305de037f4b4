package stream

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Sizes in bytes. An input is read ahead of the procedure by what is granted and
// what the pipe holds, together 64 KiB.
const (
	inWindow = 32 << 10
	inPipe   = 32 << 10
	inPiece  = 8 << 10 // credited as it goes
	lineSize = 4096    // a terminal's longest line (termios(3)), and the smallest pipe
)

// input relays what the procedure reads: from the caller to the child's pipe, or
// socket. run has a goroutine of its own; finish and wait are called once, by another.
type input struct {
	number uint8
	pipe   *os.File // the writing end
	socket bool     // pipe is one, which an output reads
	in     *wire.In
	line   bool          // the caller reads a terminal
	done   chan struct{} // closed: run is over

	written  int64 // bytes into the pipe
	consumed int64 // bytes that were taken, after wait; -1: not known

	measure *os.File // a reading end, opened after END to see how much is left
}

// newInput takes pipe over.
func newInput(r *wire.Relay, st wire.Stream, pipe *os.File) *input {
	i := &input{number: st.Number, pipe: pipe, socket: st.Written(), line: st.Flags&wire.StreamLine != 0, done: make(chan struct{}), consumed: -1}
	size, window, mode := inPipe, uint32(inWindow), (*wire.In).Manual
	if i.line {
		// In a pipe of one page a write waits until the last line is taken, and
		// readiness to write says just that.
		size, window, mode = lineSize, lineSize, (*wire.In).Line
	}
	i.in = r.In(st.Number, 0, window, mode)                                                        // STARTED brings the caller its credit
	_ = control(pipe, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size) }) // fails for a socket
	return i
}

func (i *input) run() {
	defer close(i.done)
	for {
		piece, err := i.in.Next()
		if err == io.EOF {
			i.end()
			return
		}
		if err != nil { // the caller has left, or finish was called
			return
		}
		if err := i.write(piece); err != nil { // EPIPE: the procedure reads no more; or finish
			_ = i.in.Close()
			return
		}
		if i.line {
			if i.drained() != nil {
				return
			}
			_ = i.in.Grant(lineSize)
		}
	}
}

// write writes p into the pipe, and says what has gone.
func (i *input) write(p wire.Piece) error {
	consumed := i.in.Consumed
	switch {
	case i.line:
		consumed = func(int) {} // run grants when all is taken
	case p.More:
		consumed = i.in.ConsumedOfMany
	}
	for b := p.Bytes; len(b) > 0; {
		n, err := i.pipe.Write(b[:min(len(b), inPiece)])
		i.written += int64(n)
		if err != nil {
			return err
		}
		b = b[n:]
		consumed(n)
	}
	return nil
}

// end closes the pipe, so that the procedure sees the end of what it reads, and
// opens a reading end. Nobody writes any more, so a pipe that the procedure has
// closed isn't hidden by that.
func (i *input) end() {
	if i.socket {
		shut(i.pipe, unix.SHUT_WR)
		i.pipe.Close()
		return
	}
	_ = control(i.pipe, func(fd int) {
		own, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == nil {
			i.measure = os.NewFile(uintptr(own), "pipe")
		}
	})
	i.pipe.Close()
}

// drained waits until the procedure has taken everything.
func (i *input) drained() error {
	rc, err := i.pipe.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Write(func(fd uintptr) bool {
		n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		return err != nil || n == 0
	})
}

// finish ends the relaying.
func (i *input) finish() {
	_ = i.pipe.SetWriteDeadline(past)
	_ = i.in.Close()
}

// wait waits for the end of run, and measures how many bytes the procedure took:
// of a pipe, since a socket doesn't tell. It never gives true, since a process that
// holds an input disturbs nobody.
func (i *input) wait() (heldOpen bool) {
	<-i.done
	if i.socket {
		i.close()
		return false
	}
	pipe := i.pipe
	if i.measure != nil {
		pipe = i.measure
	}
	if n, err := unread(pipe); err == nil {
		i.consumed = i.written - int64(n)
	}
	i.close()
	return false
}

// giveUp does nothing: an input waits for the procedure, not for the caller.
func (i *input) giveUp() {}

func (i *input) relayed() (in, out int64) { return i.written, 0 }

func (i *input) close() {
	i.pipe.Close()
	if i.measure != nil {
		i.measure.Close()
	}
}
