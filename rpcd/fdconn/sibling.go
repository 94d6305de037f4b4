package fdconn

import "golang.org/x/sys/unix"

// Sibling reports whether fd is a caller's end of a connection to the listener
// that c came from: they share its name. Credentials would not do: those of a
// listener are systemd's under activation, and 0 across pid namespaces.
func (c *Conn) Sibling(fd int) bool {
	ours, err := c.s.Getsockname()
	if err != nil {
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
