// Package program says why the kernel won't execute a file: what execve(2) has
// only a number for. It reads the file, and those that it needs in turn, as the
// kernel reads them: the #! line, the ELF header with its loader, the formats of
// binfmt_misc. It runs nothing, and knows no policy.
//
// What is read was written by others. Each read has a limit, and nothing but a
// regular file is opened.
package program

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// maxFiles is how many files the kernel looks at, in a chain in which each
// script's interpreter is the next one (exec_binprm in fs/exec.c).
const maxFiles = 6

// headSize is how much of a file the kernel looks at, to find out what it is
// (BINPRM_BUF_SIZE, linux/binfmts.h).
const headSize = 256

// Fault is why the kernel won't execute a file.
type Fault struct {
	What string // the rest of a sentence that begins with the file's name
	Cure string // what to do

	library bool // what is wrong is its loader: the cure is right for whoever needs the file
}

// missing is the fault of a file that isn't there.
const missing = "is missing"

// Report is what is known of a program.
type Report struct {
	Fault   *Fault   // nil: nothing is known against it
	Scripts []Script // the program and its interpreters, as far as they are scripts
}

// Inspect looks at a program, with the rights of this process. What may be
// executed and not read passes.
func Inspect(path string) Report { return thisMachine().inspect(path) }

func (m machine) inspect(path string) (r Report) {
	file := path
	for range maxFiles {
		script, fault := m.file(file)
		if fault != nil {
			r.Fault = fault.of(file, path)
			return r
		}
		if script == nil {
			return r
		}
		r.Scripts = append(r.Scripts, *script)
		if file = script.Interpreter; file == path {
			r.Fault = &Fault{What: "has an interpreter that leads back to it", Cure: firstLineCure}
			return r
		}
	}
	r.Fault = &Fault{What: fmt.Sprintf("has more than %d interpreters, each a script with the next", maxFiles-1), Cure: firstLineCure}
	return r
}

// of makes of a file's fault one of the program whose interpreter the file is.
func (f *Fault) of(file, program string) *Fault {
	if file == program {
		return f
	}
	whole := *f
	whole.What = "can't start: its interpreter " + display.Quote(file) + " " + f.What
	switch {
	case f.What == missing:
		whole.Cure = "install that, or " + firstLineCure
	case !f.library:
		whole.Cure = firstLineCure
	}
	return &whole
}

// file looks at one file. With neither script nor fault, the chain ends there.
func (m machine) file(path string) (*Script, *Fault) {
	if fault := accessible(path); fault != nil {
		return nil, fault
	}
	f, err := open(path)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, nil
	}
	if known, fault := m.registered(path, head); known {
		return nil, fault
	}
	switch {
	case hasPrefix(head, "#!"):
		return script(path, head[:n])
	case hasPrefix(head, elfMagic):
		st, err := f.Stat()
		if err != nil {
			return nil, nil
		}
		return nil, m.elf(f, st.Size())
	}
	return nil, strange(head[:n])
}

func hasPrefix(head []byte, with string) bool {
	return len(head) >= len(with) && string(head[:len(with)]) == with
}

// accessible says why a file can't be executed whatever is in it.
func accessible(path string) *Fault {
	st, err := os.Stat(path)
	var fs syscall.Statfs_t
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
		return &Fault{What: missing, Cure: "put a program there"}
	case err != nil:
		return &Fault{What: "can't be looked at: " + display.Cause(err), Cure: "let rpcd's user search its directory"}
	case st.IsDir():
		return &Fault{What: "is a directory, not a program", Cure: "name a program in it"}
	case !st.Mode().IsRegular():
		return &Fault{What: "is not a regular file", Cure: "put a program in its place"}
	case syscall.Statfs(path, &fs) == nil && fs.Flags&noExec != 0:
		return &Fault{What: "is on a mount with noexec", Cure: "mount it without, or put the program elsewhere and link to it"}
	case MayExecute(path):
		return nil
	}
	cure := "chmod +x " + display.ShellWord(path)
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() == os.ModeSymlink {
		cure = "link to a program that it may" // chmod would change the link's target
	}
	return &Fault{What: fmt.Sprintf("may not be executed by rpcd's uid %d", os.Geteuid()), Cure: cure}
}

// open opens a regular file for reading. It doesn't block if a FIFO has taken the
// file's place meanwhile.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, syscall.EACCES
	}
	return f, nil
}

// Numbers that package syscall lacks.
const (
	atFDCWD   = -100  // AT_FDCWD (openat(2))
	atEAccess = 0x200 // AT_EACCESS (access(2)): by the effective ids
	xOK       = 1     // X_OK (access(2))
	noExec    = 8     // ST_NOEXEC (statfs(2))
)

// MayExecute asks the kernel, which knows ACLs as well, whether this process may
// execute a file or search a directory.
func MayExecute(path string) bool {
	return syscall.Faccessat(atFDCWD, path, xOK, atEAccess) == nil
}

// relative says whether a path leads to another file in each directory.
func relative(path string) bool { return !filepath.IsAbs(path) }
