//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// stream is one of the three streams: what the kernel says of its descriptor, and how
// it travels (wire.Stream).
type stream struct {
	device, inode uint64
	mode          uint32  // st_mode
	opened        uintptr // F_GETFL
	travels       uint8
	index, flags  uint8
}

// The modes and flags of streams (PROTOCOL.md, section 4).
const (
	closed = 0
	passed = 1
	same   = 3

	output = 1
	joined = 8
)

const (
	nullDevice = 1<<8 | 3   // character device 1, 3 (null(4))
	pipefs     = 0x50495045 // PIPEFS_MAGIC (statfs(2))
	shared     = 0o666      // so that another user can open a pipe by name
)

// chooseStreams decides how the streams travel, as client's stdio does. It is false
// where one can't be passed.
func chooseStreams(stdinNull bool) bool {
	in, out, err := &state.streams[0], &state.streams[1], &state.streams[2]
	out.flags, err.flags = output, output
	if !stdinNull {
		if !look(in, 0) {
			return false
		}
		in.pass(0)
	}
	if !look(out, 1) || !look(err, 2) {
		return false
	}
	out.pass(1)
	if isSameFile(out, err) {
		switch isSameOpen() {
		case 1:
			err.travels, err.index = same, 1
			return true
		case -1:
			return false
		}
		if isJoined(out, err) {
			err.flags |= joined
		}
	}
	err.pass(2)
	return true
}

// look asks the kernel about a descriptor.
func look(s *stream, fd uintptr) bool {
	if failed(call(unix.SYS_FSTAT, fd, uintptr(unsafe.Pointer(&state.stat)), 0, 0, 0, 0)) {
		return false
	}
	s.device, s.inode, s.mode = uint64(state.stat.Dev), state.stat.Ino, uint32(state.stat.Mode)
	device := uint64(state.stat.Rdev)
	s.opened = call(unix.SYS_FCNTL, fd, unix.F_GETFL, 0, 0, 0, 0)
	if failed(s.opened) || s.opened&unix.O_PATH != 0 {
		return false
	}
	switch s.mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return false
	case unix.S_IFCHR: // a terminal isn't passed
		return device == nullDevice || failed(call(unix.SYS_IOCTL, fd, unix.TCGETS, uintptr(unsafe.Pointer(&state.answer)), 0, 0, 0))
	}
	return true
}

// pass adds a stream's descriptor to the frame's.
func (s *stream) pass(fd uint32) {
	n := state.passed
	if uint(n) >= uint(len(state.fds)) {
		return
	}
	s.travels, s.index = passed, uint8(n)
	state.fds[n] = fd
	state.passed = n + 1
	if s.mode&unix.S_IFMT == unix.S_IFIFO && s.mode&shared != shared {
		makeReopenable(uintptr(fd))
	}
}

// makeReopenable lets another user open an anonymous pipe of ours by name.
func makeReopenable(fd uintptr) {
	if failed(call(unix.SYS_FSTATFS, fd, uintptr(unsafe.Pointer(&state.statfs)), 0, 0, 0, 0)) || state.statfs.Type != pipefs {
		return
	}
	call(unix.SYS_FCHMOD, fd, shared, 0, 0, 0, 0) // a pipe of another user stays as it is
}

func isSameFile(a, b *stream) bool { return a.device == b.device && a.inode == b.inode }

// isSameOpen compares the open file descriptions of stdout and stderr, which are one
// file (kcmp(2)). It is 1, 0, or -1 where the kernel doesn't say.
func isSameOpen() int {
	const kcmpFile = 0
	pid := call(unix.SYS_GETPID, 0, 0, 0, 0, 0, 0)
	switch r := call(unix.SYS_KCMP, pid, pid, kcmpFile, 1, 2, 0); {
	case r == 0:
		return 1
	case failed(r):
		return -1
	}
	return 0
}

// isJoined reports whether two openings of a file are one thing to who reads it.
func isJoined(a, b *stream) bool {
	if a.opened&unix.O_ACCMODE == unix.O_RDONLY || b.opened&unix.O_ACCMODE == unix.O_RDONLY {
		return false
	}
	switch a.mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return true
	case unix.S_IFREG:
		return a.opened&b.opened&unix.O_APPEND != 0
	}
	return false
}
