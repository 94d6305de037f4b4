package client

import (
	"errors"

	"golang.org/x/sys/unix"
)

// fileKind is what decides how a descriptor travels.
type fileKind struct {
	pipe     bool // or a FIFO
	null     bool // /dev/null
	terminal bool
	seekable bool // a regular file or a block device
}

// nullDevice is /dev/null's number: character device 1, 3 (null(4)).
var nullDevice = unix.Mkdev(1, 3)

// examine looks at a descriptor, and refuses what may never travel: through a
// directory a worker would reach everything of ours.
func examine(fd int) (fileKind, error) {
	var k fileKind
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return k, err
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil {
		return k, err
	} else if flags&unix.O_PATH != 0 {
		return k, errors.New("it was opened with O_PATH")
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return k, errors.New("it is a directory")
	case unix.S_IFIFO:
		k.pipe = true
	case unix.S_IFCHR:
		k.null = uint64(st.Rdev) == nullDevice
		if !k.null {
			_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
			k.terminal = err == nil
		}
	case unix.S_IFREG, unix.S_IFBLK:
		k.seekable = true
	}
	return k, nil
}

// readable says why a descriptor can't be read at all: it would never become
// ready (a pidfd, an epoll, an io_uring, a listening socket). readv(2) of
// nothing reads nothing.
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
// /dev/stdout: what it could read or write anyway, once it has the descriptor.
func reopenable(fd int) {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != pipefs || unix.Fstat(fd, &st) != nil || st.Mode&0o666 == 0o666 {
		return
	}
	_ = unix.Fchmod(fd, 0o666) // fails for another user's, which is right
}

// sameOpen reports whether two descriptors are one open file description
// (kcmp(2)). Where the kernel doesn't tell, one pipe, socket or terminal counts
// as one.
func sameOpen(a, b int) bool {
	if a == b {
		return true
	}
	const kcmpFile = 0
	pid := uintptr(unix.Getpid())
	r, _, errno := unix.RawSyscall6(unix.SYS_KCMP, pid, pid, kcmpFile, uintptr(a), uintptr(b), 0)
	if errno == 0 {
		if r == 0 {
			return true
		}
		// Two opens of one terminal are one thing to a reader.
		ka, err := examine(a)
		return err == nil && ka.terminal && sameInode(a, b)
	}
	ka, err := examine(a)
	return err == nil && !ka.seekable && sameInode(a, b)
}

func sameInode(a, b int) bool {
	var sa, sb unix.Stat_t
	return unix.Fstat(a, &sa) == nil && unix.Fstat(b, &sb) == nil && sa.Dev == sb.Dev && sa.Ino == sb.Ino
}
