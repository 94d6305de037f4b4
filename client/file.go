package client

import (
	"errors"

	"golang.org/x/sys/unix"
)

// fileType is what decides how a descriptor travels.
type fileType struct {
	pipe     bool // or a FIFO
	null     bool // /dev/null
	terminal bool
	seekable bool // a regular file or a block device
}

// nullDevice is /dev/null's number: character device 1, 3 (null(4)).
var nullDevice = unix.Mkdev(1, 3)

// examine looks at a descriptor, and refuses what may never travel: through a
// directory a worker could reach all files below and above it.
func examine(fd int) (fileType, error) {
	var t fileType
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return t, err
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil {
		return t, err
	} else if flags&unix.O_PATH != 0 {
		return t, errors.New("it was opened with O_PATH")
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return t, errors.New("it is a directory")
	case unix.S_IFIFO:
		t.pipe = true
	case unix.S_IFCHR:
		t.null = uint64(st.Rdev) == nullDevice
		if !t.null {
			_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
			t.terminal = err == nil
		}
	case unix.S_IFREG, unix.S_IFBLK:
		t.seekable = true
	}
	return t, nil
}

// readable says why a descriptor can't be read at all: a pidfd, an epoll, an
// io_uring or a listening socket would never become ready. A readv(2) without
// buffers reads nothing.
func readable(fd int) error {
	if _, err := unix.Readv(fd, nil); err != nil {
		return err
	}
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens != 0 {
		return unix.EINVAL
	}
	return nil
}

// pipefs is the magic number of the file system of anonymous pipes
// (PIPEFS_MAGIC, statfs(2)).
const pipefs = 0x50495045

// reopenable lets another user open an anonymous pipe of ours by name, as
// /dev/stdout. It gives nothing away: that user has the descriptor already.
func reopenable(fd int) {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != pipefs || unix.Fstat(fd, &st) != nil || st.Mode&0o666 == 0o666 {
		return
	}
	_ = unix.Fchmod(fd, 0o666) // a pipe of another user stays as it is
}
