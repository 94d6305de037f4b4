package child

import (
	"errors"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/internal/slack"
	"rpcd/rpcd/child/cgroup"
	"rpcd/rpcd/child/starter"
)

// forking is held while ForkExec starts a process. It serialises those starts, and
// keeps the reaper from taking a child that isn't registered yet for an orphan.
var forking sync.Mutex

// isUnsupported says whether an error of a start in a lane tells that there can be
// none: clone(2) itself may be refused (seccomp, other kernels).
func isUnsupported(err error) bool {
	return errors.Is(err, starter.ErrUnsupported)
}

// startAlone is Start for kernels and processors that the starter doesn't know. It
// changes umask and directory of the whole process, so that one start goes after
// the other, and one that hangs holds up all.
func (s Spec) startAlone() (*Child, error) {
	forking.Lock()
	defer forking.Unlock()
	var leaf *cgroup.Leaf
	if !s.Keep {
		leaf = parent.Take() // before the umask is the caller's: rpcd must be able to read the files in it
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	// The child's signal mask is that of the thread that forks.
	var none, before unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &before); err != nil {
		leaf.Give()
		return nil, err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	if s.As == nil {
		if err := unix.Fchdir(s.Dir); err != nil {
			leaf.Give()
			return nil, &DirError{err}
		}
		defer func() { _ = unix.Chdir("/") }() // else rpcd keeps a volume from being unmounted
	}
	undo, err := prepareThread()
	if err != nil {
		leaf.Give()
		return nil, err
	}
	defer undo()
	defer score.raise()()
	defer unix.Umask(unix.Umask(s.Umask))

	kills := memory.count()
	attr, pidfd := s.attributes()
	var pid int
	leaf, err = leaf.Fork(func(fd int) (err error) {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = fd >= 0, max(fd, 0)
		slack.Do(func() { pid, err = syscall.ForkExec(s.Path, s.Argv, attr) })
		return err
	})
	if err != nil {
		return nil, s.As.explain(s.Dir, err)
	}
	c := &Child{pid: pid, leaf: leaf, pidfd: pollable(*pidfd), memoryKills: kills, keep: s.Keep}
	children.add(c)
	return c, nil
}

// attributes makes of a Spec what ForkExec wants, which writes a pidfd to the
// second result, or leaves it -1.
func (s *Spec) attributes() (*syscall.ProcAttr, *int) {
	files := make([]uintptr, len(s.Files))
	for i, fd := range s.Files {
		files[i] = uintptr(fd) // ForkExec closes ^0, which is -1
	}
	pidfd := -1
	attr := &syscall.ProcAttr{
		Env:   s.Env,
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: s.Terminal, PidFD: &pidfd},
	}
	if s.As != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: s.As.UID, Gid: s.As.GID, Groups: s.As.Groups}
		attr.Dir = procPath(s.Dir) // ForkExec enters it after setuid(2)
	}
	return attr, &pidfd
}
