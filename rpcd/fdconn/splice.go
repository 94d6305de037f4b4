package fdconn

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// Splice writes header, then n bytes that lie in the pipe fd, without copying
// them (splice(2)). Nobody else should read that pipe: when the bytes are gone,
// that is an error. After an error the connection is of no use.
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
				err = io.ErrUnexpectedEOF // EAGAIN means a full socket only while bytes are there
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

// copy is Splice by hand; the caller holds the lock.
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

// Absorb moves up to n arriving bytes into the pipe fd without copying them,
// and gives how many. It waits for the connection, never for the pipe: when
// that is full, or nothing can be moved (a sandbox without splice), the rest is
// for Read.
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

// ready asks without waiting.
func ready(fd int, event int16) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: event}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&event != 0
}
