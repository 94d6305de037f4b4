package client

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// writer writes a relayed output to the caller's file. The goroutine that reads
// the connection calls arrive; run has a goroutine of its own.
type writer struct {
	k       *call
	number  uint8
	in      *wire.In
	fd      int // ours
	f       *os.File
	done    chan error // what couldn't be written, or nil
	passage *passage   // between socket and fd; nil: everything is copied
}

// newWriter takes fd over, and p, which may be nil.
func newWriter(k *call, number uint8, fd int, f *os.File, p *passage) *writer {
	return &writer{k: k, number: number, in: k.Relay.In(number, outWindow, outWindow), fd: fd, f: f, done: make(chan error, 1), passage: p}
}

// close is called when the connection is read no more and run has ended.
func (w *writer) close() { w.passage.close() }

// arrive takes a DATA frame off the connection: into the passage, and the rest
// into memory. It waits for the connection alone, never for the file.
//
// Pages arrive as they were sent, since a call with StreamPages isn't bridged. What
// is spliced into a pipe that gets full is cut between them.
func (w *writer) arrive(h wire.Header) error {
	n := int(h.Length)
	wanted, err := w.in.Arrive(n)
	if err != nil {
		return err
	}
	if wanted && w.passage != nil && h.Flags&wire.DataPages != 0 && w.k.conn.Unread() == 0 {
		held, err := w.k.conn.FD.Absorb(w.passage.ends[1], n)
		if err != nil {
			return err
		}
		if held > 0 {
			w.in.PushHeld(held)
		}
		n -= held
	}
	return w.in.Receive(n, w.k.conn)
}

func (w *writer) run() {
	err := w.write()
	unix.Close(w.fd)
	if w.number == 1 {
		w.k.release(w.f)
	}
	var failed *fileError
	switch {
	case errors.As(err, &failed) && errors.Is(err, unix.EPIPE):
		_ = w.in.Close() // the procedure gets its SIGPIPE
		w.done <- nil
	case errors.As(err, &failed):
		_ = w.in.Close()
		_ = w.k.Signal(unix.SIGTERM, false)
		w.done <- failed.err
	default: // END, or the connection's own error
		w.done <- nil
	}
}

// write writes the stream to its end: io.EOF after END, else the error of the
// file or of the connection.
func (w *writer) write() error {
	for {
		piece, err := w.in.Next()
		if err != nil {
			return err
		}
		if piece.Held > 0 {
			err = w.writeHeld(piece.Held)
		} else {
			err = w.writeBytes(piece.Bytes)
		}
		if err != nil {
			return &fileError{err}
		}
	}
}

// writeHeld writes the next n bytes that lie in the passage.
func (w *writer) writeHeld(n int) error {
	return w.whole(n, func(rest int) (int, error) {
		k, err := unix.Splice(w.passage.ends[0], nil, w.fd, nil, rest, unix.SPLICE_F_MOVE)
		return int(k), err
	})
}

// writeBytes writes the payload of a frame by one write(2), so that what the
// procedure wrote at once stays whole (PROTOCOL.md, section 4).
func (w *writer) writeBytes(b []byte) error {
	return w.whole(len(b), func(rest int) (int, error) { return unix.Write(w.fd, b[len(b)-rest:]) })
}

// whole calls put, which writes some of the rest, until all n bytes are written:
// also to a file that is non-blocking.
func (w *writer) whole(n int, put func(rest int) (int, error)) error {
	for n > 0 {
		k, err := put(n)
		switch {
		case k > 0:
			n -= k
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLOUT}}, -1)
		case err == nil:
			return io.ErrShortWrite
		default:
			return err
		}
	}
	return nil
}
