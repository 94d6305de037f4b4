package fdconn

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// Splice writes header, then n bytes that lie in the pipe fd, without copying
// them (splice(2)). fd stays the caller's. Nobody else should read that pipe:
// missing bytes are io.ErrUnexpectedEOF. After an error the connection is
// useless, since a frame may be cut.
func (c *Conn) Splice(header []byte, fd, n int) error {
	c.write.Lock()
	defer c.write.Unlock()
	for len(header) > 0 {
		k, err := c.s.Sendmsg(context.Background(), header, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_MORE)
		if err != nil {
			return err
		}
		header = header[k:]
	}
	for n > 0 {
		err := c.s.WriteFunc(context.Background(), "splice", func(s int) error {
			k, err := unix.Splice(fd, nil, s, nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			if err == nil && k == 0 || err == unix.EAGAIN && !ready(fd, unix.POLLIN) {
				err = io.ErrUnexpectedEOF // only while bytes lie in the pipe does EAGAIN mean a full socket
			}
			n -= int(max(k, 0))
			return err
		})
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
			return c.copy(fd, n) // a sandbox without splice
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copy does what Splice does by read and write. The caller holds the lock.
func (c *Conn) copy(fd, n int) error {
	buf := make([]byte, min(n, 64<<10))
	for n > 0 {
		k, err := unix.Read(fd, buf[:min(n, len(buf))])
		if k <= 0 {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		n -= k
		for b := buf[:k]; len(b) > 0; {
			k, err := c.s.Sendmsg(context.Background(), b, nil, nil, unix.MSG_NOSIGNAL)
			if err != nil {
				return err
			}
			b = b[k:]
		}
	}
	return nil
}

// Absorb moves up to n arriving bytes into the pipe fd without copying them
// (splice(2)), and gives how many. fd stays the caller's. It waits for the
// connection, never for the pipe. When the pipe is full, or the system has no
// splice (a sandbox), the rest is for Read.
func (c *Conn) Absorb(fd, n int) (int, error) {
	got := 0
	for got < n {
		if err := c.arm(); err != nil {
			return got, err
		}
		var moved int64
		var failed error
		err := c.s.ReadFunc(context.Background(), "splice", func(s int) error {
			moved, failed = unix.Splice(s, nil, fd, nil, n-got, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			if failed == unix.EAGAIN && ready(fd, unix.POLLOUT) {
				return failed // nothing has arrived: wait
			}
			return nil
		})
		switch {
		case err != nil:
			return got, err
		case failed != nil: // the pipe is full, or splice isn't there
			return got, nil
		case moved == 0:
			return got, io.ErrUnexpectedEOF
		}
		got += int(moved)
	}
	return got, nil
}

// ready says whether event is true of fd now (poll(2)).
func ready(fd int, event int16) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: event}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&event != 0
}
