package fdconn

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// CheckDescriptors fails when the process has no room for the descriptors of
// Go's poller (epoll, eventfd) and of one socket. The first file that a process
// opens starts the poller, and the runtime panics when it can't. So main asks
// before it opens anything.
func CheckDescriptors() error {
	const needed = 3
	for range needed {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0) // the runtime keeps 0 open
		if err != nil {
			return fmt.Errorf("cannot take %d descriptors: %w (raise ulimit -n)", needed, err)
		}
		defer unix.Close(fd)
	}
	return nil
}
