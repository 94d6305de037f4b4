package fdconn

import (
	"os"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// Detach takes the socket out of Go's poller, for somebody else to read and write it:
// else each byte that arrives would wake this process. Until Attach every use of the
// Conn fails, but HangUp. fd is the caller's, who gives it back to Attach. Only the
// reading goroutine may call Detach, or who knows that it doesn't read. An error changes
// nothing.
func (c *Conn) Detach() (fd int, err error) {
	s := c.s.Load()
	rc, err := s.SyscallConn()
	if err != nil {
		return -1, err
	}
	if e := rc.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3) }); e != nil {
		return -1, e
	}
	if err != nil {
		return -1, os.NewSyscallError("fcntl", err)
	}
	leave := Guard(fd, false)
	c.leave()
	c.leave = leave
	c.hangUp.Lock()
	c.away = fd
	c.hangUp.Unlock()
	_ = s.Close()
	return fd, nil
}

// Attach takes back what Detach gave. It owns fd, and closes it when it fails: then the
// connection has ended.
func (c *Conn) Attach(fd int) error {
	s, err := socket.New(fd, "rpc")
	c.hangUp.Lock()
	defer c.hangUp.Unlock()
	c.away = 0
	c.leave()
	if err != nil {
		unix.Close(fd)
		return err
	}
	c.leave = guard(s)
	c.entry = nil // it was that of the socket before
	c.s.Store(s)
	return nil
}
