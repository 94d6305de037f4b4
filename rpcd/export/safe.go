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

// place is where a file stands in a path.
type place bool

const (
	onTheWay place = false // a directory or symlink on the way to another file
	atTheEnd place = true  // an entry, a procedure's folder, a rule file, a program
)

// trustMount is the option that cures what can't be changed. See Owner.TrustMount.
const trustMount = "--trust-mount"

const (
	readOnly = 1                         // ST_RDONLY (statfs(2))
	aclXattr = "system.posix_acl_access" // acl(5)

	capabilityXattr = "security.capability" // capabilities(7), "File capabilities"
)

// check says why others could have written or swapped a file. nil: they couldn't,
// or the operator trusts those who could.
func (w *walker) check(f found, where place) *Problem {
	p := w.exposed(f, where)
	if p == nil || !f.onReadOnly() {
		return p
	}
	if w.owner.TrustMount {
		return nil
	}
	if w.owner.OwnMounts { // what the cure says may be done outside of the unit
		p.Cure += ", or rpcd's " + trustMount
	} else {
		p.Cure = "its mount is read-only: " + trustMount + ", if whoever can write it elsewhere may decide what runs"
	}
	return p
}

// moveCures says of cures that can't be done on a read-only mount where they can.
func (w *walker) moveCures(problems []Problem) {
	for i := range problems {
		p := &problems[i]
		f := found{path: p.File}
		if w.owner.OwnMounts || strings.Contains(p.Cure, trustMount) || syscall.Lstat(f.path, &f.st) != nil {
			continue
		}
		if f.onReadOnly() {
			p.Cure = "in the source of its read-only mount: " + p.Cure
		}
	}
}

// exposed is check without the operator's trust.
func (w *walker) exposed(f found, where place) *Problem {
	st := &f.st
	if st.Uid != 0 && st.Uid != w.owner.UID && !w.passes(f) {
		return &Problem{Unsafe, f.path, fmt.Sprintf("belongs to uid %d, neither root nor rpcd's uid %d", st.Uid, w.owner.UID),
			fmt.Sprintf("chown -h %d %s", w.owner.UID, display.ShellWord(f.path))}
	}
	if f.is(syscall.S_IFLNK) { // the mode of a symlink means nothing
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

// passes says whether a file of another user is on a read-only mount, and may pass
// for that. Nobody can write it here, and the operator who mounted it knows whose
// it is. It counts such files for a warning.
func (w *walker) passes(f found) bool {
	if w.owner.OwnMounts || w.owner.TrustMount || !f.onReadOnly() {
		return false
	}
	if w.foreign == 0 {
		w.sample = f.path
	}
	w.foreign++
	return true
}

// onReadOnly says whether a file is on a read-only mount.
func (f found) onReadOnly() bool {
	path := f.path
	if f.is(syscall.S_IFLNK) {
		path = filepath.Dir(path) // statfs(2) would follow the link, which is on the mount of its directory
	}
	var fs syscall.Statfs_t
	return syscall.Statfs(path, &fs) == nil && fs.Flags&readOnly != 0
}

// aclAdmitsOthers says whether an ACL lets another user or group write. With an ACL
// the group bits of the mode are only its mask. The attribute is a version (2) and
// then entries of tag, permissions and id (linux/posix_acl_xattr.h), little-endian.
func (w *walker) aclAdmitsOthers(path string) bool {
	const user, group, write = 0x02, 0x08, 2
	buf := make([]byte, 4096)
	n, err := syscall.Getxattr(path, aclXattr, buf)
	if err != nil {
		return errors.Is(err, syscall.ERANGE) // hundreds of entries: it isn't read, so it isn't trusted
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
			return true // the mask has the write bit as well: check saw it in the mode
		}
	}
	return false
}

// program says why a file can't be run as a procedure. entry is the path that leads
// to it.
func (w *walker) program(entry string, f found) (problems []Problem) {
	suffix, away := "", ", or move it away: all entries are procedures"
	if f.path != entry {
		suffix, away = fmt.Sprintf(" (%q leads there)", entry), ""
	}
	// A link may lead to a file of the system. No cure changes the mode of that.
	system := f.path != entry && !strings.HasPrefix(f.path, w.root+"/")
	bad := func(reason Reason, what, cure string) {
		problems = append(problems, Problem{reason, f.path, what + suffix, cure})
	}
	if !f.is(syscall.S_IFREG) {
		bad(NotExecutable, "is "+typeName(f.st.Mode)+", not a program", "put a program or a symlink to one in its place")
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
	if hasCapabilities(f.path) {
		cure := "export a copy without them"
		if !system {
			cure = "setcap -r " + display.ShellWord(f.path) + ", or " + cure
		}
		bad(Unsafe, "has file capabilities: a call would have more rights than rpcd", cure)
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

// hasCapabilities says whether the kernel gives a program capabilities when it is
// executed, or might: any attribute counts, also one that can't be read.
func hasCapabilities(path string) bool {
	n, err := syscall.Getxattr(path, capabilityXattr, nil)
	return err == nil && n > 0 || errors.Is(err, syscall.EOVERFLOW) // of another user namespace
}
