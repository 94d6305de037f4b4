// Package starter starts a program in a process that holds nothing of this one
// but what the program gets, and has its own umask and directory. So nothing of
// other calls is closed by execve(2), starts need no lock, and one that hangs
// holds up its caller alone. It knows neither calls nor who may start.
//
// The process is made as vfork(2) makes one, and at first shares this process's
// table of descriptors (CLONE_FILES). It leaves that for a copy of the lowest few
// (CLOSE_RANGE_UNSHARE), in which nothing of strangers lies: descriptors beyond
// aren't even touched. There it receives its own by a Lane.
package starter

import (
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrUnsupported says that processes can't be started this way: the processor's
// instructions are missing here, close_range(2) is (before Linux 5.9), or seccomp
// forbids it.
var ErrUnsupported = errors.New("this kernel can't give a new process a table of descriptors of its own")

// Program is what to start.
type Program struct {
	Path  string   // absolute, or relative to Dir
	Argv  []string // with argv[0]
	Env   []string // NAME=VALUE, all of it
	Dir   int      // descriptor of the directory to run in
	Umask int
	Files []int // Files[i] becomes descriptor i; -1: closed
	User  *User // nil: this process's own

	Terminal  Terminal
	OpenFiles *unix.Rlimit // RLIMIT_NOFILE; nil: this process's own

	// DropCapabilities says that ambient and inheritable capabilities don't reach
	// the program.
	DropCapabilities bool
	// NewKeyring says that it has a session keyring of its own (session-keyring(7)),
	// new and empty. The kernel must have keyrings.
	NewKeyring bool
}

// Terminal says what a program has to do with the terminal that is its descriptor 0.
type Terminal int

// The cases: none, in a session of its own; it leads a session whose terminal that is;
// it leads a process group, which is the foreground of this process's own terminal.
const (
	NoTerminal Terminal = iota
	Controlling
	Foreground
)

// User is another user to run as. Taking one on needs SETUID and SETGID.
type User struct {
	UID, GID uint32
	Groups   []uint32
}

// Error says which step of the new process failed. Nothing of the process is left.
type Error struct {
	Step  Step
	Errno syscall.Errno
}

func (e *Error) Error() string { return string(e.Step) + ": " + e.Errno.Error() }

// Unwrap gives the errno.
func (e *Error) Unwrap() error { return e.Errno }

// Attempt is the start of one process. It is used once.
type Attempt struct {
	pid      atomic.Int32 // the kernel writes it before the process runs; 0: there is none yet
	received atomic.Int32 // bytes; above 0: the process has its own table, and its descriptors in it
	failed   struct {     // the process writes it, just before it exits
		at    uintptr // the address of the step
		errno uintptr
	}
	pidfd int32
	lane  *Lane
	plan  plan
}

// Prepare prepares to start a program through a lane, which nobody else uses until
// the process has Received. The descriptors must stay open until then. The error
// is EINVAL for a NUL byte, or sendmsg(2)'s.
func Prepare(p *Program, lane *Lane) (*Attempt, error) {
	a := &Attempt{lane: lane, pidfd: -1}
	if err := a.prepare(p); err != nil {
		return nil, err
	}
	if err := a.send(); err != nil {
		_ = lane.Clear()
		return nil, err
	}
	return a, nil
}

// PID is the number of the process, which is still valid until the parent has
// reaped it; 0: there is none yet. The kernel lists a child just before it tells
// the number.
func (a *Attempt) PID() int { return int(a.pid.Load()) }

// Received reports whether the process has its descriptors, and the lane is free.
func (a *Attempt) Received() bool { return a.received.Load() > 0 }

// Run makes the process, in the cgroup of that descriptor (-1: in our own), and
// returns when the program runs or the process has failed, which may be never
// where a file system hangs. pidfd is -1 where the kernel gives none.
//
// The error is clone3(2)'s or clone(2)'s errno, and then Run may be called again,
// or ErrUnsupported, or an *Error. Where there is a PID, it's to be reaped.
func (a *Attempt) Run(cgroup int) (pidfd int, err error) {
	var result uintptr
	// The process begins with this thread's mask: no handler of ours may run there.
	err = masked(func() error { result = a.fork(cgroup); return nil })
	if err != nil {
		return -1, err
	}
	runtime.KeepAlive(a)
	if errno := -int(result); errno > 0 && errno < 4096 {
		return -1, cloneError(cgroup, syscall.Errno(errno))
	}
	if a.failed.errno != 0 {
		if a.pidfd >= 0 {
			unix.Close(int(a.pidfd))
		}
		return -1, a.failure()
	}
	return int(a.pidfd), nil
}

// failure is the error of a process that has ended itself.
func (a *Attempt) failure() error {
	i := (a.failed.at - uintptr(unsafe.Pointer(&a.plan.steps[0]))) / unsafe.Sizeof(step{})
	e := &Error{a.plan.names[i], syscall.Errno(a.failed.errno)}
	if e.Step == Unshare {
		return ErrUnsupported
	}
	return e
}

// cloneError is the error of clone. Outside of a cgroup nothing that was asked for
// can be wrong, so these say that the kernel, or seccomp, lets nobody.
func cloneError(cgroup int, errno syscall.Errno) error {
	if cgroup < 0 && (errno == unix.EINVAL || errno == unix.ENOSYS || errno == unix.EPERM) {
		return ErrUnsupported
	}
	return errno
}

// masked calls f in a thread that gets no signal.
func masked(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	return f()
}
