package fdconn

import "golang.org/x/sys/unix"

// Quiet reports whether the connection is open and has no unread bytes. It
// doesn't wait.
func (c *Conn) Quiet() bool {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = rc.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		quiet = err == nil && n == 0
	})
	return err == nil && quiet
}
