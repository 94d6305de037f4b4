package fdconn

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// TrySend sends b whole if it can do so without waiting, and says whether it did. A
// write of another goroutine that goes on counts as a wait. The kernel takes a short b
// whole or not at all; of one that it takes a part of, a goroutine writes the rest, ahead
// of all that is written later.
func (c *Conn) TrySend(b []byte) bool {
	rc, err := c.s.Load().SyscallConn()
	if err != nil || !c.write.TryLock() {
		return false
	}
	n := 0
	if rc.Control(func(fd uintptr) { n, err = sendNow(fd, b, nil) }) != nil || err != nil {
		n = 0
	}
	if 0 < n && n < len(b) {
		rest := bytes.Clone(b[n:])
		go func() {
			defer c.endWrite()
			_ = c.send(rest, nil) // who reads sees the end
		}()
		return true
	}
	c.endWrite()
	return n > 0
}

// EndInput has reads give what has arrived, and then io.EOF, whoever else still
// holds the other end (shutdown(2), SHUT_RD). What the other side writes from now
// on fails there with EPIPE.
func (c *Conn) EndInput() {
	if rc, err := c.s.Load().SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
	}
}
