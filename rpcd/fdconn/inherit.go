package fdconn

import (
	"errors"
	"fmt"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// Inherit makes a Listener of a listening UNIX stream socket that somebody
// else set up (sd_listen_fds(3)). The Listener uses a duplicate that is
// close-on-exec, so the caller still closes fd.
//
// The socket's file belongs to somebody else: Close removes neither it nor a
// lock. After Close the kernel still queues connections while another process
// holds the socket. The socket becomes non-blocking for every such process.
func Inherit(fd int) (*Listener, error) {
	path, err := listeningAt(fd)
	if err != nil {
		return nil, fmt.Errorf("take descriptor %d as a listening socket: %w", fd, err)
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("duplicate descriptor %d: %w", fd, err)
	}
	s, err := socket.New(own, "rpcd")
	if err != nil {
		unix.Close(own)
		return nil, fmt.Errorf("listen on descriptor %d: %w", fd, err)
	}
	return &Listener{s: s, path: path, inherited: true}, nil
}

// listeningAt gives the path of the socket fd. The error says why fd is no
// socket that rpcd can serve.
func listeningAt(fd int) (string, error) {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	switch {
	case errors.Is(err, unix.EBADF):
		return "", errors.New("it isn't open")
	case errors.Is(err, unix.ENOTSOCK):
		return "", errors.New("it is no socket")
	case err != nil:
		return "", err
	case domain != unix.AF_UNIX:
		return "", fmt.Errorf("it is no UNIX socket (address family %d): rpc's callers reach a path alone", domain)
	}
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_STREAM {
		return "", fmt.Errorf("it is no stream socket (type %d): a .socket unit names one by ListenStream=", kind)
	}
	if listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listening == 0 {
		return "", errors.New("it isn't listening (is it one connection? a .socket unit has to say Accept=no)")
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return "", err
	}
	// Package unix writes an abstract socket's name with a leading @ (unix(7)).
	u, ok := address.(*unix.SockaddrUnix)
	if !ok || u.Name == "" || u.Name[0] == '@' {
		return "", errors.New("it has no path (an abstract socket?): rpc's callers reach a path alone")
	}
	return u.Name, nil
}
