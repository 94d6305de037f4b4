package child

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// OpenDir opens a directory by the caller's name for it, with the rights of as
// (nil: rpcd's own). That user must be able to enter the directory. The caller
// closes the descriptor, which is good only for entering (O_PATH).
func OpenDir(name string, as *Credential) (int, error) {
	fd, err := findDir(name, as, as.Enter)
	if err != nil && as != nil {
		err = fmt.Errorf("%w for %v", err, as)
	}
	return fd, err
}

// FindDir is OpenDir for a directory that the user need not be able to enter.
func FindDir(name string, as *Credential) (int, error) {
	return findDir(name, as, func(int) error { return nil })
}

// findDir opens a directory that fits.
func findDir(name string, as *Credential, fits func(fd int) error) (fd int, err error) {
	open := helpers.open
	if as != nil { // whose rights this thread has
		open = func(name string, how *unix.OpenHow) (int, error) { return unix.Openat2(unix.AT_FDCWD, name, how) }
	}
	err = as.Files(func() error {
		if fd, err = openPath(name, open); err != nil {
			return err
		}
		if err := fits(fd); err != nil {
			unix.Close(fd)
			return err
		}
		return nil
	})
	return fd, err
}

// openPath opens a directory by name. Magic links are not followed
// (proc_pid_fd(5)): /proc/self would be rpcd's own, and its descriptors other
// calls' directories.
func openPath(name string, open func(string, *unix.OpenHow) (int, error)) (int, error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	fd, err := open(name, &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_NO_MAGICLINKS})
	switch {
	case errors.Is(err, unix.ELOOP):
		return -1, errors.New("a circle of links, or a link of /proc")
	case !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM): // before Linux 5.6, or under seccomp
		return fd, err
	}
	// EvalSymlinks reads a magic link as a plain one: its target goes by its name.
	plain, err := filepath.EvalSymlinks(name)
	if err != nil {
		return -1, err
	}
	return unix.Open(plain, flags|unix.O_NOFOLLOW, 0)
}
