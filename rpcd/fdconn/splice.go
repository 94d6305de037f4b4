package fdconn

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// Splice writes header, and then n bytes that the pipe fd holds, without copying
// them (splice(2)). The caller keeps fd. If another reader took some of the
// bytes, the error is io.ErrUnexpectedEOF. After an error the connection is
// useless, since a frame may be cut.
func (c *Conn) Splice(header []byte, fd, n int) error {
	c.write.Lock()
	defer c.endWrite()
	c.heedRoom()
	for len(header) > 0 {
		k, err := c.s.Load().Sendmsg(context.Background(), header, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_MORE)
		if err != nil {
			return err
		}
		header = header[k:]
	}
	for n > 0 {
		err := c.s.Load().WriteFunc(context.Background(), "splice", func(s int) error {
			k, err := unix.Splice(fd, nil, s, nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			if err == nil && k == 0 || err == unix.EAGAIN && !ready(fd, unix.POLLIN) {
				err = io.ErrUnexpectedEOF // the pipe is empty; else EAGAIN means that the socket is full
			}
			n -= int(max(k, 0))
			return err
		})
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
			return c.copy(fd, n) // splice(2) is missing, as in some sandboxes
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copy does the work of Splice by reading and writing. The caller holds c.write.
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
			k, err := c.s.Load().Sendmsg(context.Background(), b, nil, nil, unix.MSG_NOSIGNAL)
			if err != nil {
				return err
			}
			b = b[k:]
		}
	}
	return nil
}

// Absorb moves up to n arriving bytes into the pipe fd without copying them
// (splice(2)), and returns their number. The caller keeps fd. Absorb waits for
// the connection, never for the pipe. If the pipe is full or splice(2) is missing,
// the caller gets the rest by Read.
func (c *Conn) Absorb(fd, n int) (int, error) {
	got := 0
	for got < n {
		if err := c.arm(); err != nil {
			return got, err
		}
		var moved int
		var failed error
		err := c.s.Load().ReadFunc(context.Background(), "splice", func(s int) error {
			k, err := unix.Splice(s, nil, fd, nil, n-got, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			moved, failed = int(k), err // int64 or int, as the architecture has it
			if failed == unix.EAGAIN && ready(fd, unix.POLLOUT) {
				return failed // nothing has arrived: wait
			}
			return nil
		})
		switch {
		case err != nil:
			return got, err
		case failed != nil: // the pipe is full, or splice(2) is missing
			return got, nil
		case moved == 0:
			return got, io.ErrUnexpectedEOF
		}
		got += moved
	}
	return got, nil
}

// ready reports whether poll(2) sees event on fd now.
func ready(fd int, event int16) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: event}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&event != 0
}
