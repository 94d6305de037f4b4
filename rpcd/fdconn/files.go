package fdconn

import "golang.org/x/sys/unix"

// Files are descriptors that arrived on a connection. The code that took a Files
// owns them, and closes it on every path.
type Files struct {
	fds   []int
	owner uint32 // Conn.Charge
	// Truncated says that the kernel dropped some descriptors (MSG_CTRUNC,
	// recvmsg(2)), because this process or the control message had no room.
	Truncated bool
}

// Len gives the number of descriptors.
func (f *Files) Len() int { return len(f.fds) }

// At gives descriptor i, in the order of arrival. f still owns it.
func (f *Files) At(i int) int { return f.fds[i] }

// Add gives f more descriptors to close.
func (f *Files) Add(fds ...int) { f.fds = append(f.fds, fds...) }

// Close has all descriptors closed by Discard. A second call does nothing.
func (f *Files) Close() (done <-chan struct{}) {
	fds := f.fds
	f.fds = nil
	if len(fds) == 0 {
		return nothing
	}
	return Discard(f.owner, fds)
}

// nothing is there to wait for.
var nothing = closedChannel()

func closedChannel() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Discard closes descriptors that an owner has sent, a user ID for instance. done is
// closed when they are. A close may wait for as long as who sent the descriptor
// likes. So a daemon sets a function here, before it accepts, that doesn't wait.
var Discard = func(_ uint32, fds []int) (done <-chan struct{}) {
	for _, fd := range fds {
		unix.Close(fd)
	}
	return nothing
}
