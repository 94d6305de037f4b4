package client

import (
	"errors"
	"io"
	"os"
	"sync"

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

	arrived int64 // bytes; the reading goroutine's own
	written written
}

// newWriter takes fd over, and p, which may be nil.
func newWriter(k *call, st wire.Stream, fd int, f *os.File, p *passage) *writer {
	return &writer{k: k, number: st.Number, in: k.Relay.In(st.Number, st.Window, st.Window), fd: fd, f: f, done: make(chan error, 1), passage: p}
}

// written counts what a writer has written, for somebody who waits for that.
type written struct {
	mu    sync.Mutex
	n     int64
	over  bool
	least int64         // what the one who waits wants
	there chan struct{} // closed when it is there, or never will be; nil: nobody waits
}

// add counts n bytes more; over says that these were the last.
func (w *written) add(n int, over bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n += int64(n)
	w.over = w.over || over
	if w.there != nil && (w.over || w.n >= w.least) {
		close(w.there)
		w.there = nil
	}
}

// await gives a channel that is closed when so many bytes are written, or never will
// be. One at a time waits.
func (w *written) await(least int64) <-chan struct{} {
	w.mu.Lock()
	there := make(chan struct{})
	w.least, w.there = least, there
	w.mu.Unlock()
	w.add(0, false)
	return there
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
	w.arrived += int64(n)
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
	w.written.add(0, true)
	unix.Close(w.fd)
	if w.number == 1 {
		w.k.release(w.f)
	}
	var failed *fileError
	switch {
	case errors.As(err, &failed) && (errors.Is(err, unix.EPIPE) || w.number > 2 && errors.Is(err, unix.ECONNRESET)):
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
		w.written.add(len(piece.Bytes)+piece.Held, false)
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
