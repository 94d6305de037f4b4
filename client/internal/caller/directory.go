package caller

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
	"rpcd/rpcd/wire"
)

// Where is where a call shall run.
type Where struct {
	Dir     wire.Dir
	Logical string // another name of it, for the procedure's PWD; "": none

	symlinked bool // Dir.Name may have symlinks in it
}

// Directory is where a call runs: dir at the worker by its name, or, when dir is
// "", our own directory with its identity. A relative dir leads where chdir(2)
// would lead us, and its logical name is that of cd(1).
//
// The error says why there is no such name: a dir is too long, or our own
// directory has none. Where dir is "", a call may be sent all the same: the worker
// may have a workdir for it.
func Directory(dir string) (Where, error) {
	if filepath.IsAbs(dir) {
		return named(dir, "")
	}
	own, err := ownDirectory()
	switch {
	case err != nil && dir != "":
		return Where{}, fmt.Errorf("%w (give an absolute one)", err)
	case err != nil:
		return Where{Dir: wire.Dir{Proven: true}}, err
	case dir == "":
		return own, nil
	}
	return named(own.enter(dir), filepath.Join(cmp.Or(own.Logical, own.Dir.Name), dir))
}

// named is a directory that goes by its name.
func named(name, logical string) (Where, error) {
	if len(name) > names.MaxPath {
		return Where{}, fmt.Errorf("its name has %d bytes, the kernel's limit is %d", len(name), names.MaxPath)
	}
	if logical == name {
		logical = ""
	}
	return Where{Dir: wire.Dir{Name: name}, Logical: logical}, nil
}

// enter gives the name of dir, which is relative to w. Where a .. stands behind
// another component, that may be a symlink, and the worker's kernel resolves it.
func (w Where) enter(dir string) string {
	rest := dir
	if !w.symlinked {
		rest = strings.TrimLeft(dir, "./")
	}
	if slices.Contains(strings.Split(rest, "/"), "..") {
		return w.Dir.Name + "/" + dir
	}
	return filepath.Join(w.Dir.Name, dir)
}

// ownDirectory is our own directory. Its name is the kernel's, or $PWD where only
// that one can be used.
func ownDirectory() (Where, error) {
	var st unix.Stat_t
	// The empty path is the directory itself. stat(".") would have to search it, and
	// a local command needn't.
	if err := unix.Fstatat(unix.AT_FDCWD, "", &st, unix.AT_EMPTY_PATH); err != nil {
		return Where{}, fmt.Errorf("cannot look at the directory here: %w", err)
	}
	w := Where{Dir: wire.Dir{Proven: true, Dev: uint64(st.Dev), Inode: st.Ino}}
	name, err := workingName()
	w.Dir.Name = name
	if pwd := os.Getenv("PWD"); pwd != name && names.IsLogical(pwd) && isSame(pwd, w.Dir) {
		w.Logical = pwd
	}
	if err != nil && w.Logical != "" {
		w.Dir.Name, w.Logical, w.symlinked, err = w.Logical, "", true, nil
	}
	return w, err
}

// workingName gives the kernel's name of our own directory (getcwd(2)), or says
// why it has none.
func workingName() (string, error) {
	buf := make([]byte, names.MaxPath+1)
	n, err := unix.Getcwd(buf)
	switch {
	case err == unix.ENOENT:
		return "", errors.New("the directory here was removed")
	case err == unix.ENAMETOOLONG, err == unix.ERANGE:
		return "", fmt.Errorf("the name of the directory here is over the kernel's limit of %d bytes", names.MaxPath)
	case err != nil:
		return "", fmt.Errorf("cannot learn the name of the directory here: %w", err)
	case n < 2 || buf[0] != '/': // the kernel writes (unreachable)
		return "", errors.New("the directory here can't be reached from the root")
	}
	return string(buf[:n-1]), nil
}

// isSame reports whether name leads to that directory.
func isSame(name string, d wire.Dir) bool {
	var st unix.Stat_t
	return unix.Stat(name, &st) == nil && uint64(st.Dev) == d.Dev && st.Ino == d.Inode
}
