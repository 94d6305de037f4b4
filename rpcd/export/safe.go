package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// place is what part a file has in a path.
type place bool

const (
	onTheWay place = false // a directory or symlink on the way to another file
	atTheEnd place = true  // an entry, a folder of ours, a rule file, a program
)

const (
	readOnly = 1                         // ST_RDONLY (statfs(2))
	aclXattr = "system.posix_acl_access" // acl(5)
)

// check says why others could have written or swapped a file, or nil.
func (w *walker) check(f found, where place) *Problem {
	st := &f.st
	if st.Uid != 0 && st.Uid != w.owner.UID && !w.passes(f) {
		return &Problem{Unsafe, f.path, fmt.Sprintf("belongs to uid %d, neither root nor rpcd's uid %d", st.Uid, w.owner.UID),
			fmt.Sprintf("chown -h %d %s", w.owner.UID, display.ShellWord(f.path))}
	}
	if f.is(syscall.S_IFLNK) { // its mode means nothing
		return nil
	}
	if where == onTheWay && st.Mode&syscall.S_ISVTX != 0 {
		return nil // only an entry's owner can move it, and the entry is checked
	}
	if st.Mode&0o002 != 0 {
		return &Problem{Unsafe, f.path, "is writable by others", "chmod o-w " + display.ShellWord(f.path)}
	}
	if st.Mode&0o020 == 0 {
		return nil
	}
	if st.Gid != w.owner.GID {
		if w.passes(f) {
			return nil
		}
		return &Problem{Unsafe, f.path, fmt.Sprintf("is writable by gid %d, which is not rpcd's gid %d", st.Gid, w.owner.GID),
			"chmod g-w " + display.ShellWord(f.path)}
	}
	if w.aclAdmitsOthers(f.path) {
		return &Problem{Unsafe, f.path, "is writable by others through an ACL", "setfacl -b " + display.ShellWord(f.path)}
	}
	return nil
}

// passes notes and lets pass what others own on a read-only mount: nobody here
// can write it, and whoever mounted it has seen whose it is.
func (w *walker) passes(f found) bool {
	if w.owner.OwnMounts {
		return false
	}
	path := f.path
	if f.is(syscall.S_IFLNK) {
		path = filepath.Dir(path) // statfs follows links; a link is on its directory's mount
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(path, &fs) != nil || fs.Flags&readOnly == 0 {
		return false
	}
	if w.foreign == 0 {
		w.sample = f.path
	}
	w.foreign++
	return true
}

// aclAdmitsOthers: with an ACL the group bits of the mode are only its mask. The
// attribute is a version (2) and entries of tag, permissions and id
// (linux/posix_acl_xattr.h), little-endian everywhere.
func (w *walker) aclAdmitsOthers(path string) bool {
	const user, group, write = 0x02, 0x08, 2
	buf := make([]byte, 4096)
	n, err := syscall.Getxattr(path, aclXattr, buf)
	if err != nil {
		return errors.Is(err, syscall.ERANGE) // hundreds of entries: not looked at, not believed
	}
	if n < 4 {
		return false
	}
	for acl := buf[4:n]; len(acl) >= 8; acl = acl[8:] {
		tag, perm := binary.LittleEndian.Uint16(acl), binary.LittleEndian.Uint16(acl[2:])
		id := binary.LittleEndian.Uint32(acl[4:])
		switch {
		case perm&write == 0:
		case tag == user && id != 0 && id != w.owner.UID, tag == group && id != w.owner.GID:
			return true // the mask has write: the mode's group bit, checked before
		}
	}
	return false
}

// program says why a file can't be run as a procedure.
func (w *walker) program(entry string, f found) (problems []Problem) {
	suffix, away := "", ", or move it away: all entries are procedures"
	if f.path != entry {
		suffix, away = fmt.Sprintf(" (%q leads there)", entry), ""
	}
	// What a link leads to may be anybody's file: no cure changes its bits.
	system := f.path != entry && !strings.HasPrefix(f.path, w.root+"/")
	bad := func(reason Reason, what, cure string) {
		problems = append(problems, Problem{reason, f.path, what + suffix, cure})
	}
	if !f.is(syscall.S_IFREG) {
		bad(NotExecutable, "is "+kindName(f.st.Mode)+", no file to run", "put a program or a symlink to one in its place")
		return problems
	}
	if p := w.check(f, atTheEnd); p != nil {
		bad(p.Reason, p.What, p.Cure)
	}
	if f.st.Mode&(syscall.S_ISUID|syscall.S_ISGID) != 0 {
		cure := "export a copy without the bit"
		if !system {
			cure = "chmod ug-s " + display.ShellWord(f.path) + ", or " + cure
		}
		bad(Unsafe, "is setuid or setgid: a call would change its user", cure)
	}
	switch {
	case f.st.Mode&0o111 != 0:
	case system:
		problems = append(problems, Problem{NotExecutable, entry, fmt.Sprintf("leads to no program: %q is not executable", f.path),
			"link to a program, or rm " + display.ShellWord(entry)})
	default:
		bad(NotExecutable, "is not executable", "chmod +x "+display.ShellWord(f.path)+away)
	}
	return problems
}

func kindName(mode uint32) string {
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
