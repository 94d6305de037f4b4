// Package stubborn makes descriptors and file systems that keep whoever closes, opens
// or enters them waiting. Tests and the programs of bench hand them to rpcd.
package stubborn

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// Sticky makes a descriptor whose last close waits for an hour: a TCP connection
// whose data nobody takes (SO_LINGER, socket(7)). The caller owns it. The close ends
// when other, its other end, is closed.
func Sticky() (fd int, other net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return -1, nil, err
	}
	defer l.Close()
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, err
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		other, err = l.Accept()
	}
	if err != nil {
		return -1, nil, errors.Join(err, unix.Close(fd))
	}
	for data := make([]byte, 64<<10); unix.Sendto(fd, data, unix.MSG_DONTWAIT, nil) == nil; {
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600}); err != nil {
		return -1, nil, errors.Join(err, other.Close(), unix.Close(fd))
	}
	return fd, other, nil
}
