package reach

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Place is a file or folder as stat(2) shows it to this process. The zero Place
// was not found.
type Place struct {
	Path     string
	Mode     fs.FileMode
	Bits     uint32 // of the mode, 07777
	UID, GID uint32
}

// Nearest gives path, or, where a folder on the way to it can't be passed or is
// missing, the last one that can be looked at.
func Nearest(path string) Place {
	for p := path; ; p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil {
			return placeOf(p, info)
		}
		if p == filepath.Dir(p) {
			return Place{}
		}
	}
}

func placeOf(path string, info fs.FileInfo) Place {
	p := Place{Path: path, Mode: info.Mode()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.Bits, p.UID, p.GID = st.Mode&0o7777, st.Uid, st.Gid
	}
	return p
}

// Found says whether there is anything.
func (p Place) Found() bool { return p.Path != "" }

// Noun is how an error line names the place: a folder by its path, while the
// socket is the one that the line is about.
func (p Place) Noun() string {
	if p.Mode.IsDir() {
		return fmt.Sprintf("the folder %q", filepath.Clean(p.Path))
	}
	return "the socket"
}

// Owner is UID:GID.
func (p Place) Owner() string { return fmt.Sprintf("%d:%d", p.UID, p.GID) }

// Perm are the permission bits, in octal.
func (p Place) Perm() string { return fmt.Sprintf("%04o", p.Bits) }

// String is, as an example, `the socket is 1000:1000 0660`.
func (p Place) String() string { return p.Noun() + " is " + p.Owner() + " " + p.Perm() }

// Kind gives the words for a file that is no socket.
func (p Place) Kind() string {
	switch {
	case p.Mode.IsDir():
		return "a folder"
	case p.Mode.IsRegular():
		return "a file"
	case p.Mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	}
	return "a device"
}
