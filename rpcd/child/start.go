// Package child supervises the processes of calls: it starts, signals, waits
// for, ends and reaps them. It knows neither the wire nor the policy.
//
// It changes the whole process (umask, working directory, subreaper, signals),
// so it belongs in a daemon and not in a library. setup.go is what a daemon
// calls once at its start.
package child

import (
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/cgroup"
)

// Spec is what to start.
type Spec struct {
	Path  string      // of the program, absolute or relative to Dir
	Argv  []string    // with argv[0]
	Env   []string    // NAME=VALUE: the whole environment
	Dir   int         // descriptor of the directory to run in; Start doesn't close it
	Umask int         // of the child
	Files []int       // Files[i] becomes the child's descriptor i; -1: closed. Start doesn't close them
	As    *Credential // the user to run as; nil: rpcd's own
	Keep  bool        // no cgroup, and SignalAll reaches the process group alone
}

// Child is one started process, which leads a session and a process group of
// its own. It isn't reaped before End or Reap. Until then the kernel gives its
// number, which is the group's too, to no other process, so signals are safe.
type Child struct {
	pid   int
	pidfd *os.File     // nil: the kernel gives none
	leaf  *cgroup.Leaf // nil: it has no cgroup
	keep  bool         // Spec.Keep

	memoryKills uint64 // the kernel's count of them at the start

	mu     sync.Mutex
	reaped bool // no signal is sent any more
}

// DirError says that the directory couldn't be entered.
type DirError struct{ Err error }

func (e *DirError) Error() string { return "chdir: " + e.Err.Error() }

// Unwrap gives the errno.
func (e *DirError) Unwrap() error { return e.Err }

// Start starts a process. It has default signal dispositions and an empty signal
// mask, whatever rpcd inherited, and no descriptors but Files. With As, the
// directory is entered and the program executed with that user's rights. The
// error is an errno of fork(2), setuid(2) or execve(2), or a *DirError.
//
// Starts happen one after the other, since umask and working directory belong to
// the whole process.
func Start(s Spec) (*Child, error) {
	defer forking.start()()
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
		pid, err = syscall.ForkExec(s.Path, s.Argv, attr)
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
		Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	}
	if s.As != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: s.As.UID, Gid: s.As.GID, Groups: s.As.Groups}
		attr.Dir = procPath(s.Dir) // ForkExec enters it after setuid(2)
	}
	return attr, &pidfd
}

// pollable makes of a pidfd a file for Go's poller, or nil, and owns it.
func pollable(pidfd int) *os.File {
	if pidfd < 0 {
		return nil
	}
	if err := unix.SetNonblock(pidfd, true); err != nil {
		unix.Close(pidfd)
		return nil
	}
	return os.NewFile(uintptr(pidfd), "pidfd")
}

// PID gives the process id, which is the process group's too.
func (c *Child) PID() int { return c.pid }

// Signal sends sig to the process group. After the reaping it does nothing.
func (c *Child) Signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = unix.Kill(-c.pid, sig)
	}
}
