// Package child supervises the processes of calls: it starts, signals, waits
// for, ends and reaps them. It knows neither the wire nor the policy.
//
// It changes the whole process (umask, working directory, subreaper, signals),
// so it belongs in a daemon and not in a library. setup.go is what a daemon
// calls once at its start.
package child

import (
	"os"
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

	Terminal bool // descriptor 0 is a terminal, which becomes the process's: see terminal.go

	Caller uint32          // the user ID that a start which hangs is charged to
	Cancel <-chan struct{} // closed: nobody waits for the start any longer; nil: never
}

// Child is one started process, which leads a session and a process group of
// its own. It isn't reaped before End or Reap. Until then the kernel gives its
// number, which is the group's too, to no other process, so signals are safe.
type Child struct {
	pid   int
	pidfd *os.File     // nil: the kernel gives none
	leaf  *cgroup.Leaf // nil: it has no cgroup
	keep  bool         // Spec.Keep
	job   *job         // with Spec.Terminal: the process, which pid has started

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
// error is an errno of fork(2), setuid(2) or execve(2), a *DirError, a *BusyError,
// or ErrCanceled.
//
// Starts run side by side, and one that hangs holds up its caller alone (birth.go).
// Where that can't be had, they happen one after the other (serial.go).
func Start(s Spec) (*Child, error) {
	if s.Terminal {
		return s.startInTerminal()
	}
	return s.startAny()
}

// startAny is Start without what a terminal needs.
func (s Spec) startAny() (*Child, error) {
	lane, err := lanes.take(s.Caller, s.Cancel)
	if err == nil {
		var c *Child
		if c, err = s.start(lane); err == nil {
			return c, nil
		}
	}
	if isUnsupported(err) {
		lanes.unsupported.Store(true)
		return s.startAlone()
	}
	return nil, err
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
func (c *Child) PID() int {
	if c.job != nil {
		return c.job.pid
	}
	return c.pid
}

// Signal sends sig to the process group. After the reaping it does nothing.
func (c *Child) Signal(sig syscall.Signal) {
	if c.job != nil {
		c.job.signal(sig)
		return
	}
	c.signalGroup(sig)
}

// signalGroup sends sig to the group of the session's leader.
func (c *Child) signalGroup(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = unix.Kill(-c.pid, sig)
	}
}
