package fdconn

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Spare says in words that there are too few descriptors for Go's poller
// (epoll, eventfd) and one socket. The first file that a process opens begins
// the poller, and the runtime panics when it can't: main asks before.
func Spare() error {
	const needed = 3
	for range needed {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0) // 0 is open: the runtime sees to it
		if err != nil {
			return fmt.Errorf("cannot take %d descriptors: %w (raise ulimit -n)", needed, err)
		}
		defer unix.Close(fd)
	}
	return nil
}
