package fdconn

import "golang.org/x/sys/unix"

// Files are descriptors that arrived on a connection. Whoever has a Files owns
// them and calls Close once, on every path.
type Files struct {
	fds []int
	// Truncated says that the kernel cut some off (MSG_CTRUNC, recvmsg(2)): this
	// process or the message had no room for more.
	Truncated bool
}

// Len is how many descriptors arrived.
func (f *Files) Len() int { return len(f.fds) }

// At gives descriptor i in the order of arrival. It stays Files' own.
func (f *Files) At(i int) int { return f.fds[i] }

// Close closes all of them. A second call does nothing.
func (f *Files) Close() {
	for _, fd := range f.fds {
		_ = unix.Close(fd)
	}
	f.fds = nil
}
