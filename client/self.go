package client

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// umask gives the process's file mode mask. It isn't asked by umask(2), which
// would change it for a moment under the feet of other goroutines.
func umask() uint32 {
	b, err := os.ReadFile("/proc/self/status")
	if err == nil {
		if _, rest, ok := bytes.Cut(b, []byte("\nUmask:")); ok {
			line, _, _ := bytes.Cut(rest, []byte("\n"))
			if v, err := strconv.ParseUint(strings.TrimSpace(string(line)), 8, 32); err == nil {
				return uint32(v)
			}
		}
	}
	mask := unix.Umask(0o077) // no /proc
	unix.Umask(mask)
	return uint32(mask)
}

// directory is where the call wants to run: dir on the worker, or, when dir is
// "", our own with its identity.
func directory(dir string) wire.Dir {
	buf := make([]byte, 256)
	n, err := unix.Getcwd(buf)
	if err == unix.ERANGE {
		buf = make([]byte, unix.PathMax)
		n, err = unix.Getcwd(buf)
	}
	name := ""
	if err == nil && n > 1 && buf[0] == '/' { // else unreachable or removed
		name = string(buf[:n-1])
	}
	if dir != "" {
		if !filepath.IsAbs(dir) && name != "" {
			dir = filepath.Join(name, dir)
		}
		return wire.Dir{Name: dir}
	}
	var st unix.Stat_t
	if name == "" || unix.Stat(".", &st) != nil {
		return wire.Dir{Proven: true}
	}
	return wire.Dir{Name: name, Proven: true, Dev: uint64(st.Dev), Inode: st.Ino}
}

// crossing gives the variables of a call as NAME=VALUE; a bare NAME has our
// own value, or isn't there.
func crossing(env []string) []string {
	var out []string
	for _, e := range env {
		if strings.IndexByte(e, '=') < 0 {
			v, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + v
		}
		out = append(out, e)
	}
	return out
}
