package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// commands is the source of --all-commands.
type commands struct{ dirs []string }

// Commands makes every command on a PATH, and every path, a procedure for
// everybody. A relative path is a file of the directory in which the call runs
// (Procedure.LookIn). Owners of files aren't checked, since a caller may run
// anything anyway. Relative elements of the PATH are skipped.
func Commands(path string) Source {
	c := commands{}
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) && !slices.Contains(c.dirs, dir) {
			c.dirs = append(c.dirs, dir)
		}
	}
	return c
}

// Topic finds none: topics are entries of an exports directory.
func (s commands) Topic(name string, _ Caller, _ bool) (*Procedure, error) {
	return nil, &Error{Reason: Unknown, Name: name, Topic: true, Cure: "it has none: topics need an exports directory"}
}

// Lookup finds a command by its name on the PATH, or by a path.
func (s commands) Lookup(name string, _ Caller) (*Procedure, error) {
	unknown := func(cure string) error { return &Error{Reason: Unknown, Name: name, Cure: cure} }
	switch {
	case strings.Contains(name, "\x00"):
		return nil, unknown("no path has a NUL in it")
	case filepath.IsAbs(name):
		p, err := command(name, name)
		if isMissing(err) {
			return nil, unknown("no such file on the worker")
		}
		return p, err
	case strings.Contains(name, "/"):
		return &Procedure{Name: name, Path: name, all: true}, nil
	case !isName(name):
		return nil, unknown("not a command's name")
	}
	var refused error
	for _, dir := range s.dirs {
		p, err := command(name, filepath.Join(dir, name))
		if err == nil {
			return p, nil
		}
		if refused == nil && !isMissing(err) {
			refused = err
		}
	}
	if refused != nil {
		return nil, refused
	}
	return nil, unknown("no such command on rpcd's PATH")
}

// List gives the commands on the PATH. It looks at each file there, of which there
// may be thousands.
func (s commands) List(Caller) (ps []*Procedure, errs []error) {
	seen := map[string]bool{}
	for _, dir := range s.dirs {
		names, err := readNames(dir)
		if err != nil {
			continue // a shell skips it, too
		}
		for _, name := range names {
			if seen[name] || !isName(name) {
				continue
			}
			if p, err := command(name, filepath.Join(dir, name)); err == nil {
				seen[name] = true
				ps = append(ps, p)
			}
		}
	}
	sortByName(ps)
	return ps, nil
}

// Resident gives none: a command has no rules.
func (s commands) Resident() []*Procedure { return nil }

// isMissing says whether stat(2) found nothing at a path.
func isMissing(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// command makes a procedure of an absolute path. The error is an *Error if a file
// is there that can't be run, and otherwise stat(2)'s.
func command(name, path string) (*Procedure, error) {
	mode := uint32(0)
	info, err := os.Stat(path)
	if err == nil {
		mode = info.Sys().(*syscall.Stat_t).Mode
	}
	if err := judge(name, path, mode, err); err != nil {
		return nil, err
	}
	return &Procedure{Name: name, Path: path, all: true}, nil
}

// Directory is one in which a call runs.
type Directory interface {
	fmt.Stringer // its name
	// Mode gives the type and the permissions (st_mode, inode(7)) of a file whose
	// path is relative to the directory. The error is stat(2)'s.
	Mode(path string) (uint32, error)
}

// LookIn finds the program of a procedure that Lookup couldn't look at, since its
// path is relative to the directory in which the call runs. The error is an
// *Error.
func (p *Procedure) LookIn(dir Directory) error {
	if p.Path == "" || filepath.IsAbs(p.Path) {
		return nil
	}
	mode, err := dir.Mode(p.Path)
	if isMissing(err) {
		return &Error{Reason: Unknown, Name: p.Name, Cure: fmt.Sprintf("no such file in %q", dir)}
	}
	// Not joined, which would take a symlink before .. for a folder.
	return judge(p.Name, strings.TrimSuffix(dir.String(), "/")+"/"+strings.TrimPrefix(p.Path, "./"), mode, err)
}

// judge says why a file can't be run, of which stat(2) gave this mode or error. A
// missing file's error stays stat(2)'s.
func judge(name, file string, mode uint32, err error) error {
	bad := func(what, cure string) error {
		return &Error{Reason: NotExecutable, Name: name, File: file, What: what, Cure: cure}
	}
	switch {
	case isMissing(err):
		return err
	case errors.Is(err, syscall.EACCES):
		return bad("can't be looked at: permission denied", "let the call's user search its directory")
	case errors.Is(err, syscall.ELOOP):
		return bad("is a symlink in a circle", "remove it")
	case err != nil:
		return bad("can't be looked at: "+display.Cause(err), "")
	case mode&syscall.S_IFMT == syscall.S_IFDIR:
		return bad("is a directory", "name a program in it")
	case mode&syscall.S_IFMT != syscall.S_IFREG:
		return bad("is not a regular file", "name a program")
	case mode&0o111 == 0:
		return bad("is not executable", "chmod +x "+display.ShellWord(file))
	}
	return nil
}
