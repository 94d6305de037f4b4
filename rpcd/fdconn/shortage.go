package fdconn

import (
	"fmt"

	"golang.org/x/sys/unix"
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
