package rpcd

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// openDir chooses where a call runs and gives a descriptor of it, which the
// caller closes, and its name. A direct call's directory has to be the same one
// by device and inode. A bridged call's, and one given by hand, goes by name. The
// directory is looked up, and must be searchable, with the rights of as (nil:
// rpcd's own).
func (h *host) openDir(d wire.Dir, bridged bool, p *export.Procedure, as *child.Credential) (int, string, error) {
	var err error = unix.ENOENT
	if d.Name != "" {
		var fd int
		if fd, err = child.OpenDir(d.Name, as); err == nil {
			if !d.Proven || bridged || isSame(fd, d) {
				return fd, d.Name, nil
			}
			unix.Close(fd)
			err = errOtherDir
		}
		if isShortage(err) {
			return -1, "", fmt.Errorf("open the directory %q: %w", d.Name, err)
		}
		if !d.Proven { // given by hand
			return -1, "", refuseDir(d, err, as)
		}
	}
	for _, dir := range []string{p.Workdir, h.Workdir} {
		if dir == "" {
			continue
		}
		fd, err := child.OpenDir(dir, as)
		if err != nil {
			return -1, "", refuseWorkdir(dir, err)
		}
		return fd, dir, nil
	}
	return -1, "", refuseDir(d, err, as)
}

// errOtherDir: a directory of this name exists here, but it is another one
// (device or inode differ).
var errOtherDir = errors.New("it is another one")

// isShortage reports whether open(2) failed for lack of descriptors or memory,
// which says nothing of what was to be opened.
func isShortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// sameness answers a caller that asks whether its directory is ours.
func sameness(d wire.Dir, as *child.Credential) wire.Sameness {
	if d.Name == "" {
		return wire.DirNotAsked
	}
	fd, err := child.OpenDir(d.Name, as)
	if err != nil {
		return wire.DirMissing
	}
	defer unix.Close(fd)
	if d.Proven && !isSame(fd, d) {
		return wire.DirOther
	}
	return wire.DirSame
}

// isSame reports whether fd is the directory that the caller stands in.
func isSame(fd int, d wire.Dir) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && uint64(st.Dev) == d.Dev && st.Ino == d.Inode
}
