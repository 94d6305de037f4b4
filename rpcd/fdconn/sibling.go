package fdconn

import "golang.org/x/sys/unix"

// Sibling reports whether fd is a caller's end of a connection to the same
// listener as c's. Both then have that listener's name. Credentials don't serve:
// under activation they are systemd's, and across pid namespaces the pid is 0.
func (c *Conn) Sibling(fd int) bool {
	ours, err := c.s.Load().Getsockname()
	if err != nil {
		return false
	}
	// Another family's socket may be locked by who sent it (inet_getname).
	if family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || family != unix.AF_UNIX {
		return false
	}
	theirs, err := unix.Getpeername(fd)
	if err != nil {
		return false
	}
	a, ok1 := ours.(*unix.SockaddrUnix)
	b, ok2 := theirs.(*unix.SockaddrUnix)
	return ok1 && ok2 && a.Name != "" && a.Name == b.Name
}
