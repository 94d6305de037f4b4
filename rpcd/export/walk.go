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

// maxLinks is the kernel's own limit of symlinks in one path (path_resolution(7)).
const maxLinks = 40

// procMagic is procfs's statfs type (linux/magic.h).
const procMagic = 0x9fa0

// walker goes from / to a file and checks everything on the way that decides
// what the file is. It lives for one look-up: a directory that it has seen it
// doesn't look at again.
type walker struct {
	owner Owner
	root  string          // the exports directory, free of symlinks, once checked
	dirs  map[string]seen // directories on the way

	foreign int    // files of others, let pass because their mount is read-only
	sample  string // the first of them
}

func newWalker(o Owner) *walker {
	return &walker{owner: o, dirs: map[string]seen{}}
}

// seen is a directory on the way, and what is wrong with it; nil: it is safe.
type seen struct {
	found
	problem *Problem
}

// found is where a path leads: st.Mode is 0 when it leads nowhere.
type found struct {
	path string // free of symlinks
	st   syscall.Stat_t
}

func (f found) is(kind uint32) bool { return f.st.Mode&syscall.S_IFMT == kind }

// walk resolves an absolute path, and gives what is wrong with the directories
// and symlinks on the way; what it leads to is left to the caller's check. The
// error is ENOENT when the path itself isn't there, and then the only result.
func (w *walker) walk(path string) (f found, problems []Problem, err error) {
	note := func(p *Problem) {
		if p != nil {
			problems = append(problems, *p)
		}
	}
	f.path = "/"
	links, rest := 0, strings.Split(path, "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		if name == ".." { // its owner could put a link in its place
			note(w.parent(f))
			if _, dir := w.dirs[f.path]; !dir {
				note(lost(path, f.path, false, syscall.ENOTDIR))
				return found{}, problems, nil
			}
			f = found{path: filepath.Dir(f.path)}
			continue
		}
		note(w.parent(f))
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
		note(p)
		if target == "" {
			return found{}, problems, nil
		}
		if target[0] == '/' {
			f = found{path: "/"}
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	if f.st.Mode == 0 { // ends in .. or is /
		if err := syscall.Lstat(f.path, &f.st); err != nil {
			note(lost(path, f.path, false, err))
		}
	}
	return f, problems, nil
}

// link reads a symlink on the way to path, or says why the way ends there.
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

// lost is the problem of a path that ends at a place.
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

// parent checks a directory on the way, once.
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
		return nil // the next step ends there
	}
	p := w.check(f, onTheWay)
	w.dirs[f.path] = seen{f, p}
	return p
}
