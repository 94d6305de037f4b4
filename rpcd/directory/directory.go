// Package directory chooses where a call runs: in its caller's directory where
// the worker really has it, else in a workdir. It starts nothing and asks nobody
// who may call.
package directory

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/wire"
)

// Choice is what a call's directory is chosen from.
type Choice struct {
	Caller   wire.Dir
	Logical  string   // another name that the caller has for it; "": none
	Bridged  bool     // the caller's directory goes by name: nothing proves it
	Workdirs []string // where calls start whose directory isn't here: the first that isn't ""
	As       *child.Credential
}

// ErrOther says that a directory of this name exists here, but is another one:
// its device or inode differs.
var ErrOther = errors.New("it is another one")

// ErrNameless says that the caller's own directory has no name.
var ErrNameless = errors.New("the caller's has no name")

// CallerError says that the caller's directory can't be had, and that no workdir
// stands in for it.
type CallerError struct {
	Dir wire.Dir
	As  *child.Credential // whose rights it was looked up with; nil: rpcd's own
	Err error             // of the look-up: an errno, ErrOther or ErrNameless
}

func (e *CallerError) Error() string { return fmt.Sprintf("directory %q: %v", e.Dir.Name, e.Err) }

// Unwrap gives the cause.
func (e *CallerError) Unwrap() error { return e.Err }

// WorkdirError says that the operator's own choice can't be entered.
type WorkdirError struct {
	Name string
	Err  error
}

func (e *WorkdirError) Error() string { return fmt.Sprintf("workdir %q: %v", e.Name, e.Err) }

// Unwrap gives the cause.
func (e *WorkdirError) Unwrap() error { return e.Err }

// Open chooses where a call runs. The caller closes the Place. A direct call's directory has to be the same one by
// device and inode. A bridged call's, and one given by hand, goes by name. The
// directory is looked up, and must be searchable, with the rights of As (nil:
// rpcd's own). The error is a *CallerError, a *WorkdirError, or an errno that says
// that descriptors or memory are short.
func (c Choice) Open() (*Place, error) {
	p, err := c.open()
	if err != nil {
		return nil, err
	}
	if err := p.nameIt(c.Logical); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// open is Open but for PWD.
func (c Choice) open() (*Place, error) {
	fd, err := c.openCallers()
	if err == nil {
		return &Place{FD: fd, Name: c.Caller.Name, as: c.As}, nil
	}
	if isShortage(err) {
		return nil, fmt.Errorf("open the directory %q: %w", c.Caller.Name, err)
	}
	if c.Caller.Proven || c.Caller.Name == "" { // else it was given by hand, and nothing stands in
		for _, dir := range c.Workdirs {
			if dir == "" {
				continue
			}
			if fd, err = child.OpenDir(dir, c.As); err != nil {
				return nil, &WorkdirError{dir, err}
			}
			return &Place{FD: fd, Name: dir, as: c.As}, nil
		}
	}
	return nil, &CallerError{c.Caller, c.As, err}
}

// openCallers opens the caller's own directory.
func (c Choice) openCallers() (int, error) {
	if c.Caller.Name == "" {
		return -1, ErrNameless
	}
	fd, err := child.OpenDir(c.Caller.Name, c.As)
	if err != nil {
		return -1, err
	}
	if c.Caller.Proven && !c.Bridged && !isSame(fd, c.Caller) {
		unix.Close(fd)
		return -1, ErrOther
	}
	return fd, nil
}

// isShortage reports whether open(2) failed for lack of descriptors or memory,
// which says nothing of what was to be opened.
func isShortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// isSame reports whether fd is the directory that the caller stands in.
func isSame(fd int, d wire.Dir) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && uint64(st.Dev) == d.Dev && st.Ino == d.Inode
}
