package fdconn

import "golang.org/x/sys/unix"

// TrySend sends a short b whole if it can do so without waiting, and says whether
// it did. A write of another goroutine that is going on counts as a wait.
func (c *Conn) TrySend(b []byte) (sent bool) {
	rc, err := c.s.SyscallConn()
	if err != nil || !c.write.TryLock() {
		return false
	}
	defer c.write.Unlock()
	_ = rc.Control(func(fd uintptr) {
		n, err := unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		sent = err == nil && n == len(b)
	})
	return sent
}

// EndInput has reads give what has arrived, and then io.EOF, whoever else still
// holds the other end (shutdown(2), SHUT_RD). What the other side writes from now
// on fails there with EPIPE.
func (c *Conn) EndInput() {
	if rc, err := c.s.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
	}
}
