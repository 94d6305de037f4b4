package export

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// commands is the source of --all-commands.
type commands struct{ dirs []string }

// Commands makes every command on a PATH, and every absolute path, a procedure for
// everybody. Owners of files aren't checked, since a caller may run anything
// anyway. Relative elements of the PATH are skipped.
func Commands(path string) Source {
	c := commands{}
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) && !slices.Contains(c.dirs, dir) {
			c.dirs = append(c.dirs, dir)
		}
	}
	return c
}

// Lookup finds a command by its name on the PATH, or by an absolute path.
func (s commands) Lookup(name string, _ Caller) (*Procedure, error) {
	unknown := func(cure string) error { return &Error{Reason: Unknown, Name: name, Cure: cure} }
	switch {
	case strings.Contains(name, "\x00"):
		return nil, unknown("no path has a NUL in it")
	case filepath.IsAbs(name):
		p, err := command(name, name)
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
			return nil, unknown("no such file on the worker")
		}
		return p, err
	case strings.Contains(name, "/"):
		return nil, &Error{Reason: Denied, Name: name, What: "a relative path is another file in each directory",
			Cure: "give an absolute path, or a command on rpcd's PATH"}
	case !isName(name):
		return nil, unknown("not a command's name")
	}
	var refused error
	for _, dir := range s.dirs {
		p, err := command(name, filepath.Join(dir, name))
		if err == nil {
			return p, nil
		}
		if e := (*Error)(nil); refused == nil && errors.As(err, &e) {
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

// command makes a procedure of a path. The error is an *Error if a file is there
// that can't be run, and otherwise stat(2)'s.
func command(name, path string) (*Procedure, error) {
	bad := func(what, cure string) error {
		return &Error{Reason: NotExecutable, Name: name, File: path, What: what, Cure: cure}
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, syscall.EACCES):
		return nil, bad("can't be looked at: permission denied", "let rpcd's user search its directory")
	case errors.Is(err, syscall.ELOOP):
		return nil, bad("is a symlink in a circle", "remove it")
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, bad("is a directory", "name a program in it")
	case !st.Mode().IsRegular():
		return nil, bad("is not a regular file", "name a program")
	case st.Mode().Perm()&0o111 == 0:
		return nil, bad("is not executable", "chmod +x "+display.ShellWord(path))
	}
	return &Procedure{Name: name, Path: path, all: true}, nil
}
