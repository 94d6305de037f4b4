package stream

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// typedPiece is how many bytes are typed at once. A terminal's line discipline holds
// 4096 (N_TTY_BUF_SIZE, drivers/tty/n_tty.c).
const typedPiece = 1024

// typed relays what the caller types into the master of a terminal. run has a goroutine
// of its own; finish and wait are called once, by another.
type typed struct {
	master *os.File // shown's, too
	in     *wire.In
	ends   atomic.Bool   // finish was called
	done   chan struct{} // closed: run is over
	bytes  int64
	last   byte // of those bytes
}

func newTyped(r *wire.Relay, master *os.File) *typed {
	return &typed{master: master, done: make(chan struct{}), in: r.In(0, 0, inWindow, (*wire.In).Manual)}
}

func (t *typed) run() {
	defer close(t.done)
	for {
		piece, err := t.in.Next()
		switch {
		case err == io.EOF:
			t.endOfFile()
			return
		case err != nil: // finish was called, or the caller is gone
			return
		}
		consumed := t.in.Consumed
		if piece.More {
			consumed = t.in.ConsumedOfMany
		}
		if t.write(piece.Bytes, consumed) != nil { // the terminal is hung up; or finish
			_ = t.in.Close()
			return
		}
	}
}

// write types b, and says what has gone.
func (t *typed) write(b []byte, consumed func(int)) error {
	for len(b) > 0 {
		n, err := t.writeSome(b[:min(len(b), typedPiece)])
		t.bytes += int64(n)
		if n > 0 {
			t.last = b[n-1]
			b = b[n:]
			consumed(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeAgain is how long a write waits for the kernel's word that there is room again.
// The kernel frees the room of what was read only a little after it says so.
const writeAgain = 100 * time.Millisecond

// writeSome waits until something could be typed.
func (t *typed) writeSome(b []byte) (int, error) {
	_ = t.master.SetWriteDeadline(time.Now().Add(writeAgain))
	if t.ends.Load() { // its deadline may have been before ours
		return 0, os.ErrDeadlineExceeded
	}
	n, err := t.master.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && !t.ends.Load() {
		err = nil
	}
	return n, err
}

// endOfFile types the end-of-file character where the terminal has lines: in the
// middle of one the first ends that. Without lines there is no end of a terminal.
func (t *typed) endOfFile() {
	var eof byte
	_ = control(t.master, func(fd int) {
		if m, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil && m.Lflag&unix.ICANON != 0 {
			eof = m.Cc[unix.VEOF]
		}
	})
	if eof == 0 { // _POSIX_VDISABLE, termios(3)
		return
	}
	keys := []byte{eof, eof}
	if t.bytes == 0 || t.last == '\n' || t.last == '\r' {
		keys = keys[1:]
	}
	_ = t.write(keys, func(int) {})
}

func (t *typed) finish() {
	t.ends.Store(true)
	_ = t.master.SetWriteDeadline(past)
	_ = t.in.Close()
}

func (t *typed) wait() (heldOpen bool) {
	<-t.done
	return false
}

// giveUp does nothing: this end waits for the procedure, not for the caller.
func (t *typed) giveUp() {}

func (t *typed) relayed() (in, out int64) { return t.bytes, 0 }

func (t *typed) close() { t.master.Close() }
