package client

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// writer writes a relayed output to the caller's file.
type writer struct {
	k      *call
	number uint8
	in     *wire.In
	fd     int // ours
	f      *os.File
	done   chan error // what couldn't be written, or nil
	pipe   [2]int     // what Absorb took lies here, on its way from socket to fd; or -1
}

// absorbPipe holds a window of whole pages (fcntl(2), F_SETPIPE_SZ).
const absorbPipe = 2 * outWindow

// newWriter takes fd over.
func newWriter(k *call, number uint8, fd int, f *os.File) *writer {
	w := &writer{k: k, number: number, in: k.relay.In(number, outWindow, outWindow), fd: fd, f: f, done: make(chan error, 1), pipe: [2]int{-1, -1}}
	if kind, err := examine(fd); err != nil || !kind.pipe || unix.Pipe2(w.pipe[:], unix.O_CLOEXEC) != nil {
		return w
	}
	if _, err := unix.FcntlInt(uintptr(w.pipe[1]), unix.F_SETPIPE_SZ, absorbPipe); err == nil {
		w.in.Absorb(w)
	}
	return w
}

func (w *writer) run() {
	_, err := w.in.WriteTo(w)
	unix.Close(w.fd)
	if w.number == 1 {
		w.k.letGo(w.f)
	}
	var failed *fileError
	switch {
	case errors.As(err, &failed) && errors.Is(err, unix.EPIPE):
		_ = w.in.Close() // the procedure gets its SIGPIPE
		w.done <- nil
	case errors.As(err, &failed):
		_ = w.in.Close()
		_ = w.k.tell(wire.Signal(uint8(unix.SIGTERM), 0))
		w.done <- failed.err
	default: // END, or the connection's own error
		w.done <- nil
	}
}

// close is called when nobody absorbs or emits any more.
func (w *writer) close() {
	if w.pipe[0] >= 0 {
		unix.Close(w.pipe[0])
		unix.Close(w.pipe[1])
	}
}

// Absorb is wire.Absorber's; the reading goroutine calls it.
func (w *writer) Absorb(n int) (int, error) { return w.k.conn.Absorb(w.pipe[1], n) }

// Emit is wire.Absorber's.
func (w *writer) Emit(n int) error {
	for n > 0 {
		k, err := unix.Splice(w.pipe[0], nil, w.fd, nil, n, unix.SPLICE_F_MOVE)
		switch {
		case k > 0:
			n -= int(k)
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLOUT}}, -1)
		case err == nil:
			return &fileError{io.ErrShortWrite}
		default:
			return &fileError{err}
		}
	}
	return nil
}

// Write writes b whole, also to a file that is non-blocking.
func (w *writer) Write(b []byte) (int, error) {
	sum := 0
	for sum < len(b) {
		n, err := unix.Write(w.fd, b[sum:])
		switch {
		case n > 0:
			sum += n
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLOUT}}, -1)
		case err == nil:
			return sum, &fileError{io.ErrShortWrite}
		default:
			return sum, &fileError{err}
		}
	}
	return sum, nil
}
