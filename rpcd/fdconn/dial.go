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
	if len(path) <= maxPath {
		return dial(ctx, path)
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	return dial(ctx, addressOf(fd))
}

// DialEntry is Dial for what somebody else's folder lists. A symlink isn't
// followed, whenever it comes there: the error is ELOOP, as of O_NOFOLLOW (open(2)).
// Any other file that is no socket gives ECONNREFUSED, as connect(2) does.
func DialEntry(ctx context.Context, path string) (*Conn, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("fstat: %w", err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
	case unix.S_IFLNK:
		return nil, fmt.Errorf("open: %w", unix.ELOOP)
	default:
		return nil, fmt.Errorf("connect: %w", unix.ECONNREFUSED)
	}
	return dial(ctx, addressOf(fd))
}

// addressOf is the address of an open socket file (O_PATH).
func addressOf(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// dial is Dial for a path that is an address.
func dial(ctx context.Context, address string) (*Conn, error) {
	s, err := socket.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0, "rpc", nil)
	if err != nil {
		return nil, err
	}
	takeRights(s, 0)
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

// takeRights with 0 lets the other side send no descriptors, since Linux 6.16; 1 lets it
// again. The kernel would close those that aren't received in Read, which might wait for
// as long as the other side likes: no deadline ends that.
func takeRights(s *socket.Conn, value int) {
	if rc, err := s.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSRIGHTS, value) })
	}
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
