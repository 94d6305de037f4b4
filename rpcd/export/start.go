package export

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"rpcd/rpcd/export/internal/program"
)

// programErrors are the errors of execve(2) that are the program's own. Others are
// the machine's, as a shortage of memory is.
var programErrors = []error{
	syscall.ENOENT, syscall.EACCES, syscall.ENOEXEC, syscall.EPERM, syscall.ELIBBAD, syscall.EISDIR,
	syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.ETXTBSY, syscall.EIO,
}

// WhyUnstarted says why the program didn't start, in one line: err is what
// execve(2) gave in the directory dir. "": it isn't the program's fault. asCaller
// says that it should have started as the caller. Then rpcd doesn't read a file for the caller that
// the caller has named, and perhaps may not read.
func (p *Procedure) WhyUnstarted(err error, dir string, asCaller bool) string {
	if !slices.ContainsFunc(programErrors, func(e error) bool { return errors.Is(err, e) }) {
		return ""
	}
	if errors.Is(err, syscall.ETXTBSY) {
		return strconv.Quote(p.Path) + " is open for writing (call again once it is written)"
	}
	path := p.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if !p.all || !asCaller {
		if fault := program.Inspect(path).Fault; fault != nil {
			return strconv.Quote(p.Path) + " " + fault.What + " (" + fault.Cure + ")"
		}
	}
	return strconv.Quote(p.Path) + ": " + err.Error()
}
