package child

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Credential is who a child runs as instead of rpcd's own user.
type Credential struct {
	UID, GID uint32
	Groups   []uint32 // supplementary; no others
}

func (cr *Credential) String() string { return fmt.Sprintf("%d:%d", cr.UID, cr.GID) }

// needed are the capabilities without which Spec.As fails, or what it started
// couldn't be ended (capabilities(7)).
var needed = []struct {
	name string
	bit  uint
}{{"CAP_SETUID", unix.CAP_SETUID}, {"CAP_SETGID", unix.CAP_SETGID}, {"CAP_KILL", unix.CAP_KILL}}

// RunAs makes ready for Specs with As, or says what it lacks. From then on
// rpcd's ambient capabilities, which it has for this, reach no child. It is
// called once, before Start.
func RunAs() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("run calls as their callers: ask for rpcd's capabilities: %w", err)
	}
	var missing []string
	for _, c := range needed {
		if data[0].Effective&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("cannot run calls as their callers: rpcd lacks %s (try docker run --user 0 with --cap-add SETUID, SETGID and KILL, systemd's AmbientCapabilities=, or setpriv --ambient-caps)", strings.Join(missing, " and "))
	}
	ambient = true
	return nil
}

// ambient says that the forking thread may have capabilities to drop.
var ambient bool

// dropCapabilities takes from this thread what a child has from its thread also
// when it becomes another user: the ambient and the inheritable ones. Its own
// rights it keeps.
func dropCapabilities() {
	if !ambient {
		return
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		data[0].Inheritable, data[1].Inheritable = 0, 0
		_ = unix.Capset(&header, &data[0])
	}
}

// Files calls f with this user's rights on files, which a thread has for itself
// (fsuid, fsgid and groups: credentials(7)). nil is rpcd's own user.
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
	if back := mine.assume(); back != nil {
		return fmt.Errorf("take rpcd's own rights back: %w", back) // the thread stays locked, and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
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
	// They give what was before, and say nothing of a failure (setfsuid(2)).
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

// Enter says whether this thread may enter a directory. Of nil it tells nothing:
// Start does then. But it asks all the same: a file system that hangs is to hang
// here, where it holds up nobody, and not in Start.
func (cr *Credential) Enter(dir int) error {
	_ = unix.Faccessat(dir, ".", unix.X_OK, unix.AT_EACCESS)
	if cr == nil {
		return nil
	}
	fd, err := unix.Openat(dir, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// explain tells an error of the directory from one of the program: ForkExec
// gives one errno for all that a child does before its program runs.
func (cr *Credential) explain(dir int, err error) error {
	if cr == nil || !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
		return err
	}
	if derr := cr.Files(func() error { return cr.Enter(dir) }); derr != nil {
		return &DirError{derr}
	}
	var st unix.Stat_t
	if derr := unix.Lstat(proc(dir), &st); derr != nil {
		return &DirError{fmt.Errorf("/proc isn't there: %w", derr)}
	}
	return err
}

// proc is a path of a descriptor, good in a child as well.
func proc(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
