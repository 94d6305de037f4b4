package directory

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
	"rpcd/rpcd/child"
	"rpcd/rpcd/wire"
)

// Place is the directory where a call runs.
type Place struct {
	FD   int    // of the directory, good only for entering (O_PATH); see Close
	Name string // the caller's for it, or the operator's
	PWD  string // the name that its procedure is told

	as *child.Credential // whose rights count
}

// Close closes the descriptor. For nil it does nothing.
func (p *Place) Close() {
	if p != nil {
		unix.Close(p.FD)
	}
}

// String is its name.
func (p *Place) String() string { return p.Name }

// Mode gives the type and the permissions (st_mode, inode(7)) of a file whose
// path is relative to the directory. The error is fstatat(2)'s.
func (p *Place) Mode(path string) (uint32, error) {
	var st unix.Stat_t
	err := p.as.Files(func() error { return unix.Fstatat(p.FD, path, &st, 0) })
	return st.Mode, err
}

// nameIt chooses the name that the procedure is told: logical, where that leads
// here, else the directory's own. A name with .. in it is none for a shell
// (names.IsLogical), so the kernel's stands in. The error says that descriptors or
// memory are short.
func (p *Place) nameIt(logical string) error {
	p.PWD = p.Name
	isHere, err := p.has(logical)
	if isHere {
		p.PWD = logical
		return nil
	}
	if !isShortage(err) && !names.IsLogical(p.Name) {
		own := p.kernelName()
		if isHere, err = p.has(own); isHere {
			p.PWD = own
		}
	}
	if isShortage(err) {
		return err
	}
	return nil
}

// has reports whether a name is a logical one, and this directory's.
func (p *Place) has(name string) (bool, error) {
	if !names.IsLogical(name) {
		return false, nil
	}
	fd, err := child.OpenDir(name, p.as)
	if err != nil {
		return false, fmt.Errorf("open the directory %q: %w", name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(p.FD, &st); err != nil {
		return false, err
	}
	return isSame(fd, wire.Dir{Dev: uint64(st.Dev), Inode: st.Ino}), nil
}

// kernelName is the directory's name without symlinks, or "" where /proc isn't
// there. Behind that of a removed directory stands a word of the kernel's.
func (p *Place) kernelName() string {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", p.FD))
	if err != nil {
		return ""
	}
	return name
}
