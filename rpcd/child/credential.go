package child

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Credential is the user whom a child runs as instead of rpcd's own. All methods
// work on nil, which is rpcd's own user.
type Credential struct {
	UID, GID uint32
	Groups   []uint32 // supplementary: these and no others
}

func (cr *Credential) String() string { return fmt.Sprintf("%d:%d", cr.UID, cr.GID) }

// Files calls f with this user's rights on files: fsuid, fsgid and groups, which
// each thread has for itself (credentials(7)).
func (cr *Credential) Files(f func() error) error {
	if cr == nil {
		return f()
	}
	mine := &Credential{UID: uint32(unix.Geteuid()), GID: uint32(unix.Getegid())}
	groups, err := unix.Getgroups()
	if err != nil {
		return fmt.Errorf("ask for rpcd's groups: %w", err)
	}
	for _, g := range groups {
		mine.Groups = append(mine.Groups, uint32(g))
	}
	runtime.LockOSThread()
	err = cr.assume()
	if err == nil {
		err = f()
	}
	back := mine.assume()
	stayUndumpable()
	if back != nil {
		// The thread stays locked, so that it ends with its goroutine.
		return fmt.Errorf("take rpcd's own rights back: %w", back)
	}
	runtime.UnlockOSThread()
	return err
}

// stayUndumpable is to be called after each change of a user. setfsuid(2), and
// setuid(2) of a child before its execve(2), which has rpcd's memory until then, set
// rpcd's own dumpable flag to fs.suid_dumpable. That is 1 where somebody debugs
// setuid programs. In the moment until this call no process gains by it: ptrace(2)
// wants all of rpcd's capabilities, too.
func stayUndumpable() {
	if asCallers {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
}

// assume gives the calling thread this user's rights on files.
func (cr *Credential) assume() error {
	groups := make([]int, len(cr.Groups))
	for i, g := range cr.Groups {
		groups[i] = int(g)
	}
	if err := unix.Setgroups(groups); err != nil { // of this thread alone, unlike syscall.Setgroups
		return fmt.Errorf("set the groups: %w", err)
	}
	// These calls report no failure: they give the id from before (setfsuid(2)).
	const ask = -1
	_ = unix.Setfsgid(int(cr.GID))
	_ = unix.Setfsuid(int(cr.UID))
	if gid, _ := unix.SetfsgidRetGid(ask); uint32(gid) != cr.GID {
		return fmt.Errorf("take the rights of gid %d: %w", cr.GID, unix.EPERM)
	}
	if uid, _ := unix.SetfsuidRetUid(ask); uint32(uid) != cr.UID {
		return fmt.Errorf("take the rights of uid %d: %w", cr.UID, unix.EPERM)
	}
	return nil
}

// Enter says whether this thread may enter a directory. For nil it gives no
// error, since Start reports it.
func (cr *Credential) Enter(dir int) error {
	if cr == nil {
		return nil
	}
	fd, err := unix.Openat(dir, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// Access asks the kernel whether this user may use a directory so: unix.R_OK, W_OK
// or X_OK. The error is faccessat(2)'s.
func (cr *Credential) Access(dir int, how uint32) error {
	return cr.Files(func() error { return unix.Faccessat(dir, ".", how, unix.AT_EACCESS) })
}

// explain makes a *DirError of an error that came from the directory and not from
// the program. ForkExec gives one errno for all that a child does before its
// program runs.
func (cr *Credential) explain(dir int, err error) error {
	if cr == nil || !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
		return err
	}
	if derr := cr.Files(func() error { return cr.Enter(dir) }); derr != nil {
		return &DirError{derr}
	}
	var st unix.Stat_t
	if derr := unix.Lstat(procPath(dir), &st); derr != nil {
		return &DirError{fmt.Errorf("/proc isn't there: %w", derr)}
	}
	return err
}

// procPath is a path of a descriptor, which is valid in a child as well.
func procPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// Owner is the user's ID, as chown(2) takes it; -1: it is rpcd's own.
func (cr *Credential) Owner() int {
	if cr == nil {
		return -1
	}
	return int(cr.UID)
}
