package fdconn

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"rpcd/internal/openlimit"
)

// CheckDescriptors fails if the process can't open three more descriptors: two of
// Go's poller (epoll, eventfd) and one socket. Go's runtime starts the poller
// with the first file, and panics if that fails. So main checks before it opens
// anything.
func CheckDescriptors() error {
	const needed = 3
	for range needed {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0) // Go's runtime ensures that 0 is open
		if err != nil {
			return fmt.Errorf("cannot take %d descriptors: %w (raise ulimit -n)", needed, err)
		}
		defer unix.Close(fd)
	}
	return nil
}

// room is how many descriptors may still be opened when no more are taken from others.
// The kernel would close those that find no number (MSG_CTRUNC, recvmsg(2)), in the
// thread that reads. Two readers may take a message each before one of them notices.
const room = 2 * MaxDescriptors

// shortage is set when room may not be there.
var shortage atomic.Bool

// noticeShortage looks at the numbers of descriptors that have arrived. The kernel
// gives the lowest that are free.
func noticeShortage(fds []int) {
	if limit := openlimit.Number(); limit > 2*room && len(fds) > 0 && fds[len(fds)-1] >= limit-room {
		shortage.Store(true)
	}
}

// isShort reports whether fewer than room descriptors may be opened. It costs nothing
// while many may be.
func isShort() bool {
	if !shortage.Load() {
		return false
	}
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return true
	}
	unix.Close(fd)
	shortage.Store(fd >= openlimit.Number()-room)
	return shortage.Load()
}
