package rpcd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// openDir chooses where a call runs and gives a descriptor of it (the caller
// closes it) and its name. A passed call's directory has to be the same by
// device and inode; a bridged call's, and one given by hand, goes by name. It is
// looked up, and must be searchable, with the rights of as (nil: rpcd's own).
func (s *Server) openDir(d wire.Dir, bridged bool, p *export.Procedure, as *child.Credential) (int, string, error) {
	var err error = unix.ENOENT
	if d.Name != "" {
		var fd int
		if fd, err = openDir(d.Name, as); err == nil {
			if !d.Proven || bridged || same(fd, d) {
				return fd, d.Name, nil
			}
			unix.Close(fd)
			err = errOther
		}
		if shortage(err) {
			return -1, "", fmt.Errorf("open the directory %q: %w", d.Name, err)
		}
		if !d.Proven { // given by hand
			return -1, "", noDirectory(d, err, as)
		}
	}
	for _, dir := range []string{p.Workdir, s.Workdir} {
		if dir == "" {
			continue
		}
		fd, err := openDir(dir, as)
		if err != nil {
			return -1, "", &wire.Refused{Code: wire.NoDirectory, Text: fmt.Sprintf("cannot enter its workdir %q: %v", dir, err)}
		}
		return fd, dir, nil
	}
	return -1, "", noDirectory(d, err, as)
}

// errOther is a directory that has the name of the caller's and is none of it.
var errOther = errors.New("it is another one")

// noDirectory refuses the directory of a call. Only where there is none of that
// name here, or another one, it isn't shared; else we know it, and can't enter.
func noDirectory(d wire.Dir, err error, as *child.Credential) *wire.Refused {
	missing := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, errOther)
	text := fmt.Sprintf("has no directory %q: %v", d.Name, err)
	switch {
	case missing && d.Proven:
		text = fmt.Sprintf("%s %q: %v", wire.NotShared, d.Name, err)
	case missing:
	case as != nil: // err says for whom
		text = fmt.Sprintf("cannot enter the directory %q: %v", d.Name, err)
	default:
		text = fmt.Sprintf("cannot enter the directory %q: %v (rpcd runs as %d:%d: let that user in, or give -C DIR)", d.Name, err, os.Geteuid(), os.Getegid())
	}
	return &wire.Refused{Code: wire.NoDirectory, Text: text}
}

// shortage says that an open(2) failed for lack of descriptors or memory, which
// says nothing of what was to be opened.
func shortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// sameness answers a caller that asks whether its directory is ours.
func sameness(d wire.Dir, as *child.Credential) wire.Sameness {
	if d.Name == "" {
		return wire.DirNotAsked
	}
	fd, err := openDir(d.Name, as)
	if err != nil {
		return wire.DirMissing
	}
	defer unix.Close(fd)
	if d.Proven && !same(fd, d) {
		return wire.DirOther
	}
	return wire.DirSame
}

// openDir opens a directory by name with the rights of as (nil: rpcd's own),
// who must be able to enter it.
func openDir(name string, as *child.Credential) (fd int, err error) {
	err = as.Files(func() error {
		if fd, err = openPath(name); err != nil {
			return err
		}
		if err := as.Enter(fd); err != nil {
			unix.Close(fd)
			return err
		}
		return nil
	})
	if err != nil && as != nil {
		err = fmt.Errorf("%w for %v", err, as)
	}
	return fd, err
}

// openPath opens a directory by a caller's name for it. Magic links are not
// followed (proc_pid_fd(5)): /proc/self would be rpcd's own, and its
// descriptors other calls' directories.
func openPath(name string) (int, error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_NO_MAGICLINKS})
	switch {
	case errors.Is(err, unix.ELOOP):
		return -1, errors.New("a circle of links, or a link of /proc")
	case !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM): // before Linux 5.6, or under seccomp
		return fd, err
	}
	// Magic links read as plain ones here: what they lead to goes by its name.
	plain, err := filepath.EvalSymlinks(name)
	if err != nil {
		return -1, err
	}
	return unix.Open(plain, flags|unix.O_NOFOLLOW, 0)
}

// same says whether fd is the directory that the caller stands in.
func same(fd int, d wire.Dir) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && uint64(st.Dev) == d.Dev && st.Ino == d.Inode
}
