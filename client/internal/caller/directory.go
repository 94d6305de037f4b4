package caller

import (
	"path/filepath"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Directory is where a call runs: dir at the worker by its name, or, when dir is
// "", our own directory with its identity. A relative dir is relative to our own
// directory.
func Directory(dir string) wire.Dir {
	own := working()
	if dir != "" {
		if !filepath.IsAbs(dir) && own != "" {
			dir = filepath.Join(own, dir)
		}
		return wire.Dir{Name: dir}
	}
	var st unix.Stat_t
	if own == "" || unix.Stat(".", &st) != nil {
		return wire.Dir{Proven: true}
	}
	return wire.Dir{Name: own, Proven: true, Dev: uint64(st.Dev), Inode: st.Ino}
}

// working gives our own directory (getcwd(2)), or "" when it was removed or is
// unreachable: the kernel's answer then doesn't begin with a slash.
func working() string {
	buf := make([]byte, 256)
	n, err := unix.Getcwd(buf)
	if err == unix.ERANGE {
		buf = make([]byte, unix.PathMax)
		n, err = unix.Getcwd(buf)
	}
	if err == nil && n > 1 && buf[0] == '/' {
		return string(buf[:n-1])
	}
	return ""
}
