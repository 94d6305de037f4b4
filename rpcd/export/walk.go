package export

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// maxLinks is the kernel's limit of symlinks in one path (path_resolution(7)).
const maxLinks = 40

// procMagic is procfs's statfs type (linux/magic.h).
const procMagic = 0x9fa0

// walker goes from / to files, and checks all directories and symlinks on the way.
// It lives for one look-up, and looks at each directory once.
type walker struct {
	owner Owner
	root  string             // the exports directory, symlinks resolved; empty before Dir.check
	dirs  map[string]checked // the directories on the way, by their paths

	foreign int    // how many files of others pass because their mount is read-only
	sample  string // the first of them
}

func newWalker(o Owner) *walker {
	return &walker{owner: o, dirs: map[string]checked{}}
}

// checked is a directory on the way.
type checked struct {
	found
	problem *Problem // nil: it is safe
}

// found is where a path leads. st.Mode is 0 if it leads nowhere.
type found struct {
	path string // symlinks resolved
	st   syscall.Stat_t
}

func (f found) is(fileType uint32) bool { return f.st.Mode&syscall.S_IFMT == fileType }

// walk resolves an absolute path. The problems are those of the directories and
// symlinks on the way; the caller checks what the path leads to. The error is
// ENOENT if the path itself isn't there, and then it is the only result.
func (w *walker) walk(path string) (f found, problems problemList, err error) {
	f.path = "/"
	links, rest := 0, strings.Split(path, "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		problems.note(w.parent(f)) // also before "..": the owner could replace the directory by a link
		if name == ".." {
			if _, dir := w.dirs[f.path]; !dir {
				problems.note(lost(path, f.path, false, syscall.ENOTDIR))
				return found{}, problems, nil
			}
			f = found{path: filepath.Dir(f.path)}
			continue
		}
		next := found{path: filepath.Join(f.path, name)}
		if dir, ok := w.dirs[next.path]; ok {
			f = dir.found
			continue
		}
		err := syscall.Lstat(next.path, &next.st)
		if err == nil && !next.is(syscall.S_IFLNK) {
			f = next
			continue
		}
		if links == 0 && errors.Is(err, syscall.ENOENT) {
			return found{}, nil, err
		}
		links++
		target, p := w.link(path, next, links, err)
		problems.note(p)
		if target == "" {
			return found{}, problems, nil
		}
		if target[0] == '/' {
			f = found{path: "/"}
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	if f.st.Mode == 0 { // the path is / or ends in ".."
		if err := syscall.Lstat(f.path, &f.st); err != nil {
			problems.note(lost(path, f.path, false, err))
		}
	}
	return f, problems, nil
}

// link reads and checks a symlink on the way to path. links is how many symlinks the
// path had so far, this one included, and err is lstat(2)'s. Without a target the
// path ends there.
func (w *walker) link(path string, l found, links int, err error) (target string, p *Problem) {
	if err != nil {
		return "", lost(path, l.path, links > 1, err)
	}
	if links > maxLinks {
		return "", lost(path, l.path, true, syscall.ELOOP)
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(l.path), &fs) == nil && fs.Type == procMagic {
		return "", &Problem{Unsafe, path, fmt.Sprintf("leads through %q, a link of procfs, which leads where it doesn't say", l.path),
			"link to the file itself"}
	}
	buf := make([]byte, 4096) // PATH_MAX: no target is longer
	n, err := syscall.Readlink(l.path, buf)
	if err != nil || n == 0 {
		return "", lost(path, l.path, links > 1, err)
	}
	return string(buf[:n]), w.check(l, onTheWay)
}

// lost is the problem of a path that leads no further than at. linked says that a
// symlink leads to it.
func lost(path, at string, linked bool, err error) *Problem {
	switch {
	case linked && errors.Is(err, syscall.ENOENT):
		return &Problem{NotExecutable, path, "is a dangling symlink: " + strconv.Quote(at) + " does not exist",
			"install that, or rm " + display.ShellWord(path)}
	case errors.Is(err, syscall.ELOOP):
		return &Problem{NotExecutable, path, "is a symlink in a circle", "rm " + display.ShellWord(path)}
	case errors.Is(err, syscall.EACCES):
		return &Problem{Unsafe, at, "can't be looked at: permission denied",
			"let rpcd's user search its directory: chmod +x " + display.ShellWord(filepath.Dir(at))}
	}
	return &Problem{NotExecutable, at, "can't be looked at: " + err.Error(), "repair or remove it"}
}

// parent checks a directory on the way, unless it is checked already.
func (w *walker) parent(f found) *Problem {
	if dir, ok := w.dirs[f.path]; ok {
		return dir.problem
	}
	if f.st.Mode == 0 {
		if err := syscall.Lstat(f.path, &f.st); err != nil {
			return lost(f.path, f.path, false, err)
		}
	}
	if !f.is(syscall.S_IFDIR) {
		return nil // the next step of walk fails
	}
	p := w.check(f, onTheWay)
	w.dirs[f.path] = checked{f, p}
	return p
}

// typeName names a file's type.
func typeName(mode uint32) string {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFIFO:
		return "a FIFO"
	case syscall.S_IFSOCK:
		return "a socket"
	case syscall.S_IFCHR, syscall.S_IFBLK:
		return "a device"
	case syscall.S_IFDIR:
		return "a directory"
	case syscall.S_IFREG:
		return "a file"
	}
	return "no regular file"
}
