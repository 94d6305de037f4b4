//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
)

// addressSize is that of struct sockaddr_un (unix(7)): two bytes of family, 107 of
// path, a NUL.
const addressSize = 110

const familySize = 2

const suffix = ".sock"

// find connects to the worker's socket. It is false where none answers at once, or
// the worker has several.
func find(worker text, o *options) bool {
	w := worker.str()
	for i := 0; i < len(w); i++ {
		if w[i] == '/' {
			return findPath(worker)
		}
	}
	if len(w) > names.MaxWorker || w == "." || w == ".." {
		return false
	}
	dir := o.dir
	if dir.n == 0 {
		dir = constant(names.DefaultDir)
	}
	if !isClean(dir.str()) {
		return false
	}
	n := place(place(place(familySize, dir), constant("/")), worker)
	folder := openFolder(n)
	if !failed(folder) {
		return inFolder(folder, n)
	}
	if folder != errno(unix.ENOENT) && folder != errno(unix.ENOTDIR) {
		return false
	}
	return connectPath(place(n, constant(suffix)))
}

// findPath is find for a path of a socket, or of a folder of sockets.
func findPath(path text) bool {
	n := place(familySize, path)
	if connectPath(n) {
		return true
	}
	p := path.str()
	for len(p) > 1 && p[len(p)-1] == '/' {
		p = p[:len(p)-1]
	}
	if !isClean(p) {
		return false
	}
	n = place(familySize, constant(p))
	folder := openFolder(n)
	return !failed(folder) && inFolder(folder, n)
}

// constant gives a string that doesn't move as text.
func constant(s string) text { return *(*text)(unsafe.Pointer(&s)) }

// place puts a text into the address at n, and gives where it ends: 0 where there is
// no room.
func place(n int, t text) int {
	if n <= 0 || n >= len(state.path) || t.n >= len(state.path)-n {
		return 0
	}
	copy(state.path[n:], t.str())
	end := n + t.n
	if uint(end) >= uint(len(state.path)) {
		return 0
	}
	state.path[end] = 0
	return end
}

// openFolder opens the directory that the address names up to n. It gives the
// descriptor or an errno.
func openFolder(n int) uintptr {
	if n == 0 {
		return errno(unix.ENAMETOOLONG)
	}
	return call(unix.SYS_OPENAT, atFDCWD, uintptr(unsafe.Pointer(&state.path))+familySize, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0, 0)
}

// atFDCWD is AT_FDCWD.
const atFDCWD = ^uintptr(99)

// connectPath connects to the socket that the address names up to n.
func connectPath(n int) bool {
	if n == 0 {
		return false
	}
	state.path[0] = unix.AF_UNIX
	state.pathLen = n - familySize
	return connect(uintptr(unsafe.Pointer(&state.path)), uintptr(n)+1)
}

// connect connects to a socket, if its queue isn't full.
func connect(address, size uintptr) bool {
	fd := call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0, 0, 0)
	if failed(fd) {
		return false
	}
	if call(unix.SYS_CONNECT, fd, address, size, 0, 0, 0) != 0 {
		call(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
		return false
	}
	state.socket, state.connected = int32(fd), true
	return true
}

// inFolder connects to the only socket of a folder, whose path is the address up to
// n. It closes the folder.
func inFolder(folder uintptr, n int) bool {
	ok := onlySocket(folder) && connectEntry(folder)
	call(unix.SYS_CLOSE, folder, 0, 0, 0, 0, 0)
	if ok {
		state.pathLen = n - familySize
	}
	return ok
}

// onlySocket looks for the one entry of a folder that is a socket's name.
func onlySocket(folder uintptr) bool {
	found := false
	for {
		n := call(unix.SYS_GETDENTS64, folder, uintptr(unsafe.Pointer(&state.answer)), uintptr(len(state.answer)), 0, 0, 0)
		if failed(n) {
			return false
		}
		if n == 0 {
			return found
		}
		// struct linux_dirent64: inode, offset, then u16 length of the entry, u8 type, name
		const lengthAt, nameAt = 16, 19
		for at := uintptr(0); at+nameAt < n; {
			p := unsafe.Add(unsafe.Pointer(&state.answer), at)
			length := uintptr(*(*uint16)(unsafe.Add(p, lengthAt)))
			if length < nameAt {
				return false
			}
			if name := textAt(unsafe.Add(p, nameAt)); isSocketName(name.str()) {
				if found || uint(name.n) >= uint(len(state.name)) {
					return false
				}
				found = true
				copy(state.name[:], name.str())
				state.name[name.n] = 0
				state.nameLen = name.n
			}
			at += length
		}
	}
}

func isSocketName(s string) bool { return len(s) > 0 && s[0] != '.' && hasSuffix(s, suffix) }

// connectEntry connects to an entry of a folder. Who serves there can write it, so a
// symlink isn't followed.
func connectEntry(folder uintptr) bool {
	fd := call(unix.SYS_OPENAT, folder, uintptr(unsafe.Pointer(&state.name)), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0, 0, 0)
	if failed(fd) {
		return false
	}
	ok := call(unix.SYS_FSTAT, fd, uintptr(unsafe.Pointer(&state.stat)), 0, 0, 0, 0) == 0 &&
		state.stat.Mode&unix.S_IFMT == unix.S_IFSOCK && connect(uintptr(unsafe.Pointer(&state.entry)), numbered(fd))
	call(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
	return ok
}

// numbered makes an address of an open socket file, and gives its size.
func numbered(fd uintptr) uintptr {
	const path = "/proc/self/fd/"
	state.entry[0] = unix.AF_UNIX
	copy(state.entry[familySize:], path)
	digits := 1
	for rest := fd; rest >= 10; rest /= 10 {
		digits++
	}
	end := familySize + len(path) + digits
	for at := end; at >= familySize+len(path); at-- {
		if uint(at) >= uint(len(state.entry)) {
			return 0
		}
		state.entry[at] = 0
		if at < end {
			state.entry[at] = byte('0' + fd%10)
			fd /= 10
		}
	}
	return uintptr(end) + 1
}
