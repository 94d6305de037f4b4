package fdconn

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// maxPath is the length in bytes of the longest path that fits into a socket
// address: 108 with the final NUL (unix(7)).
const maxPath = 107

// backlogRetry is the time between two tries to connect to a full backlog.
const backlogRetry = 5 * time.Millisecond

// Dial connects to the socket at path. The path may be longer than a socket
// address. While the backlog is full (EAGAIN), Dial tries again until ctx ends.
// Errors wrap the errno of connect(2).
func Dial(ctx context.Context, path string) (*Conn, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return nil, fmt.Errorf("connect: %w", unix.EINVAL)
	}
	address := path
	if len(path) > maxPath {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		defer unix.Close(fd)
		address = fmt.Sprintf("/proc/self/fd/%d", fd)
	}
	s, err := socket.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0, "rpc", nil)
	if err != nil {
		return nil, err
	}
	for {
		err = connect(s, address)
		if !errors.Is(err, unix.EAGAIN) {
			break
		}
		select {
		case <-ctx.Done():
			s.Close()
			return nil, fmt.Errorf("connect: %w (its queue of connections is full)", err)
		case <-time.After(backlogRetry):
		}
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return newConn(s, false), nil
}

// connect calls connect(2) once, which succeeds or fails at once on a UNIX
// socket. socket.Conn.Connect doesn't serve: after EAGAIN it would wait for an
// event that never comes.
func connect(s *socket.Conn, address string) error {
	rc, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var cerr error
	if err := rc.Control(func(fd uintptr) {
		for {
			cerr = unix.Connect(int(fd), &unix.SockaddrUnix{Name: address})
			if cerr != unix.EINTR {
				return
			}
		}
	}); err != nil {
		return err
	}
	return cerr
}

// short gives a name of path that fits into a socket address. The caller calls
// the function once it no longer needs the name.
func short(path string) (string, func(), error) {
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	dir, name := filepath.Split(path)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("open %q: %w", dir, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, name), func() { unix.Close(fd) }, nil
}
