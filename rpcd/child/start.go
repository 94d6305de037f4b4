// Package child supervises the processes of calls: start, signal, wait, end
// and reap. It knows no wire and no policy. It changes the whole process
// (umask, directory, subreaper), so it belongs into a daemon, not into a
// library.
package child

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Spec is what to start.
type Spec struct {
	Path  string   // absolute
	Argv  []string // with argv[0]
	Env   []string // NAME=VALUE, whole
	Dir   int      // descriptor of the directory to run in; stays the caller's
	Umask int
	Files []int       // the child's descriptor i is Files[i]; -1: closed. They stay the caller's
	As    *Credential // who it runs as; nil: rpcd's own user
	Keep  bool        // it has no cgroup of its own: what leaves its process group lives on
}

// Child is one started process: the leader of its own session and process
// group. It isn't reaped before End or Reap, so its number, which is the
// group's, can't be taken by a stranger while signals may follow.
type Child struct {
	PID   int
	pidfd *os.File // nil where the kernel gives none
	cell  *cell    // nil: none

	group sync.Mutex // against a signal after the reaping
	gone  bool
}

// DirError says that the directory couldn't be entered.
type DirError struct{ Err error }

func (e *DirError) Error() string { return "chdir: " + e.Err.Error() }

// Unwrap gives the errno.
func (e *DirError) Unwrap() error { return e.Err }

// forking serialises starts, since umask and working directory belong to the
// whole process.
var forking startLock

// startLock is a mutex that says for how long a start has had it.
type startLock struct {
	sync.Mutex
	since atomic.Pointer[time.Time] // nil: nobody starts anything
}

func (l *startLock) start() (over func()) {
	l.Lock()
	now := time.Now()
	l.since.Store(&now)
	return func() {
		l.since.Store(nil)
		l.Unlock()
	}
}

// Starting is for how long the start that goes on has gone on; 0: there is none.
// One that hangs, on a file system that is gone, holds up all others.
func Starting() time.Duration {
	if since := forking.since.Load(); since != nil {
		return max(1, time.Since(*since))
	}
	return 0
}

// Start starts a process. It has default signal dispositions and an empty
// mask, whatever rpcd inherited, and no descriptors but Files. With As it enters
// the directory and executes the program with that user's rights. The error is
// an errno of fork(2), setuid(2) or execve(2), or a *DirError.
func Start(s Spec) (*Child, error) {
	files := make([]uintptr, len(s.Files))
	for i, fd := range s.Files {
		files[i] = uintptr(fd) // ^0 is what ForkExec closes
	}
	pidfd := -1
	attr := &syscall.ProcAttr{
		Env:   s.Env,
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	}
	if s.As != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: s.As.UID, Gid: s.As.GID, Groups: s.As.Groups}
		attr.Dir = proc(s.Dir) // after setuid(2)
	}
	defer forking.start()()
	var in *cell
	if !s.Keep {
		in = cells.take() // before the umask is the caller's: rpcd has to read what is in it
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	// The child's signal mask is that of the thread that forks.
	var none, before unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &before); err != nil {
		in.give()
		return nil, err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	if s.As == nil {
		if err := unix.Fchdir(s.Dir); err != nil {
			in.give()
			return nil, &DirError{err}
		}
		defer func() { _ = unix.Chdir("/") }() // or the daemon would pin a volume
	}
	dropCapabilities()
	defer score.raise()()
	defer unix.Umask(unix.Umask(s.Umask))

	pid, in, err := in.forkExec(s.Path, s.Argv, attr)
	if err != nil {
		return nil, s.As.explain(s.Dir, err)
	}
	c := &Child{PID: pid, cell: in}
	if pidfd >= 0 {
		if err := unix.SetNonblock(pidfd, true); err == nil {
			c.pidfd = os.NewFile(uintptr(pidfd), "pidfd")
		} else {
			unix.Close(pidfd)
		}
	}
	children.add(c)
	return c, nil
}

// Number gives the process id, which is the group's too.
func (c *Child) Number() int { return c.PID }

// Signal sends sig to the process group. After the reaping it does nothing.
func (c *Child) Signal(sig syscall.Signal) {
	c.group.Lock()
	defer c.group.Unlock()
	if !c.gone {
		_ = unix.Kill(-c.PID, sig)
	}
}
