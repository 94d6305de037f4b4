package stream

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// past is a deadline that wakes every goroutine that waits for a pipe.
var past = time.Unix(1, 0)

// control calls do with the descriptor of f, which stays open meanwhile. It
// fails, without calling do, when f is closed.
func control(f *os.File, do func(fd int)) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Control(func(fd uintptr) { do(int(fd)) })
}

// errEmpty says that a pipe holds nothing at the moment.
var errEmpty = errors.New("the pipe is empty")

// readNow reads a pipe without waiting. It gives errEmpty when there is nothing.
func readNow(f *os.File, p []byte) (int, error) {
	var n int
	var err error
	if cerr := control(f, func(fd int) { n, err = unix.Read(fd, p) }); cerr != nil {
		return 0, cerr
	}
	switch {
	case err == unix.EAGAIN:
		return 0, errEmpty
	case n == 0 && err == nil:
		return 0, io.EOF
	}
	return max(n, 0), err
}

// unread is how many bytes lie in a pipe (FIONREAD, pipe(7)). The kernel takes the
// pipe's mutex for that, and a writer keeps it while its memory is fetched. Memory
// that never comes (userfaultfd(2) with kernel faults, or a FUSE of the procedure's
// own, which both take privileges) holds up this one call until KILL ends the writer.
func unread(f *os.File) (int, error) {
	n := 0
	var ierr error
	if err := control(f, func(fd int) { n, ierr = unix.IoctlGetInt(fd, unix.TIOCINQ) }); err != nil {
		return 0, err
	}
	return n, ierr
}

// awaitUnread waits until bytes lie in a pipe, and gives how many. It gives errEmpty
// when the pipe's deadline is over, and io.EOF at the end.
func awaitUnread(f *os.File) (int, error) {
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	var ierr error
	err = rc.Read(func(fd uintptr) bool {
		n, ierr = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		return n > 0 || ierr != nil || ended(int(fd))
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, errEmpty
	case err == nil && ierr == nil && n == 0:
		return 0, io.EOF
	}
	return n, errors.Join(err, ierr)
}

// hungUp says whether a pipe or socket is empty and no process has its writing end:
// it will stay empty (poll(2), POLLHUP).
func hungUp(f *os.File) (is bool) {
	_ = control(f, func(fd int) { is = ended(fd) })
	return is
}

func ended(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds, 0)
	if fds[0].Revents&unix.POLLIN == 0 {
		return fds[0].Revents == unix.POLLHUP
	}
	// A socket at its end is readable. ECONNRESET: its other end left bytes unread.
	n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n == 0 && err == nil || err == unix.ECONNRESET
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
