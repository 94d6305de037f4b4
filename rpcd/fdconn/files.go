package fdconn

import "golang.org/x/sys/unix"

// Files are descriptors that arrived on a connection. The code that took a Files
// owns them, and closes it on every path.
type Files struct {
	fds []int
	// Truncated says that the kernel dropped some descriptors (MSG_CTRUNC,
	// recvmsg(2)), because this process or the control message had no room.
	Truncated bool
}

// Len gives the number of descriptors.
func (f *Files) Len() int { return len(f.fds) }

// At gives descriptor i, in the order of arrival. f still owns it.
func (f *Files) At(i int) int { return f.fds[i] }

// Close closes all descriptors. A second call does nothing.
func (f *Files) Close() {
	for _, fd := range f.fds {
		_ = unix.Close(fd)
	}
	f.fds = nil
}
