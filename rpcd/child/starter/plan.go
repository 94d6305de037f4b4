package starter

import (
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Step is one thing that a new process does before its program runs.
type Step string

// The steps that can fail.
const (
	Unshare   Step = "leave the table of descriptors"
	Receive   Step = "receive the descriptors"
	Arrange   Step = "arrange the descriptors"
	Session   Step = "setsid"
	Keyring   Step = "make a session keyring"
	Become    Step = "become the user"
	Directory Step = "chdir"
	Mask      Step = "unblock signals"
	Execute   Step = "execve"

	helping Step = "help"
)

// jump is the number of a step that goes on with the one whose address is its first
// argument.
const jump = ^uintptr(0)

// step is one system call of the new process, as run_*.s reads it.
type step struct {
	number uintptr
	args   [6]uintptr
	from   *int32  // its value replaces the first argument; nil: it stays
	to     *int32  // gets the result; nil: nobody wants it
	may    uintptr // 1: it may fail
}

// plan is all that the new process does. It shares this process's memory and has
// no stack of its own, so that all of it is made ahead.
type plan struct {
	steps []step
	names []Step

	// What the addresses in steps point to, for the garbage collector.
	path    *byte
	argv    []*byte
	env     []*byte
	groups  []uint32
	batches []*batch
	door    int32 // where the lane ends in the new process
	limit   unix.Rlimit
	caps    struct {
		header unix.CapUserHeader
		data   [2]unix.CapUserData
	}
}

// batch is the descriptors of one message.
type batch struct {
	header unix.Msghdr
	vector unix.Iovec
	data   byte
	// A control message: its header, and the numbers that descriptors get.
	control struct {
		unix.Cmsghdr
		fds [mostInMessage]int32
	}
	sent []int // our own numbers
}

// mostInMessage is how many descriptors a message carries: SCM_MAX_FD, unix(7).
const mostInMessage = 253

// signalSetSize is the size of the kernel's sigset_t (rt_sigprocmask(2)).
const signalSetSize = 8

var (
	emptySet      [signalSetSize]byte
	defaultAction [64]byte // a struct sigaction of SIG_DFL; longer than any
)

func (p *plan) add(name Step, number uintptr, args ...uintptr) *step {
	s := step{number: number}
	copy(s.args[:], args)
	p.steps = append(p.steps, s)
	p.names = append(p.names, name)
	return &p.steps[len(p.steps)-1]
}

// int32Of is the variable that the kernel writes.
func int32Of(v *atomic.Int32) *int32 { return (*int32)(unsafe.Pointer(v)) }

func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// prepare makes the plan. Steps are added in the order in which the kernel does
// them.
func (a *Attempt) prepare(p *Program) error {
	if err := a.plan.words(p); err != nil {
		return err
	}
	a.plan.steps = make([]step, 0, 24+2*len(p.Files))
	a.plan.add(Unshare, unix.SYS_CLOSE_RANGE, uintptr(lowest.Load()), ^uintptr(0)&0xffffffff, unix.CLOSE_RANGE_UNSHARE)
	a.descriptors(p)
	a.session(p.Terminal)
	a.plan.add(Session, unix.SYS_UMASK, uintptr(p.Umask))
	if p.OpenFiles != nil {
		a.plan.limit = *p.OpenFiles
		a.plan.add(Arrange, unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, address(&a.plan.limit), 0)
	}
	if p.DropCapabilities {
		a.plan.dropCapabilities()
	}
	if p.NewKeyring {
		a.plan.add(Keyring, unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING)
	}
	if p.User != nil {
		a.plan.become(p.User)
	}
	directory := a.plan.add(Directory, unix.SYS_FCHDIR)
	directory.from = a.plan.at(countOpen(p.Files))
	// What execve(2) closed may hang, and whoever looks at the process then waits for
	// it: the kernel shows /proc/PID/stat only when the execve is over.
	a.plan.add(Arrange, unix.SYS_CLOSE_RANGE, uintptr(max(standard, len(p.Files))), ^uintptr(0)&0xffffffff, 0)
	a.plan.add(Mask, unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, address(&emptySet), 0, signalSetSize)
	a.plan.add(Execute, unix.SYS_EXECVE, address(a.plan.path), address(&a.plan.argv[0]), address(&a.plan.env[0]))
	return nil
}

// session adds the steps by which the process leads a session or a group. Its signals
// are blocked, so that it may take the foreground (tcsetpgrp(3)).
func (a *Attempt) session(t Terminal) {
	switch t {
	case Foreground:
		a.plan.add(Session, unix.SYS_SETPGID, 0, 0)
		a.plan.add(Session, unix.SYS_IOCTL, 0, unix.TIOCSPGRP, address(int32Of(&a.pid)))
	case Controlling:
		a.plan.add(Session, unix.SYS_SETSID)
		a.plan.add(Session, unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 0)
	default:
		a.plan.add(Session, unix.SYS_SETSID)
	}
}

// words makes path, argv and environment.
func (p *plan) words(prog *Program) (err error) {
	if p.path, err = syscall.BytePtrFromString(prog.Path); err != nil {
		return err
	}
	if p.argv, err = syscall.SlicePtrFromStrings(prog.Argv); err != nil {
		return err
	}
	p.env, err = syscall.SlicePtrFromStrings(prog.Env)
	return err
}

// become takes a user on, as root or with capabilities. The raw calls are of the
// calling thread alone, which is all of the new process.
func (p *plan) become(u *User) {
	p.groups = append([]uint32{0}, u.Groups...)[1:] // an address even where there are none
	p.add(Become, unix.SYS_SETGROUPS, uintptr(len(p.groups)), uintptr(unsafe.Pointer(unsafe.SliceData(p.groups))))
	p.add(Become, unix.SYS_SETGID, uintptr(u.GID))
	p.add(Become, unix.SYS_SETUID, uintptr(u.UID))
}

// dropCapabilities drops what the program would keep as another user. The effective
// ones stay until then (capabilities(7)).
func (p *plan) dropCapabilities() {
	p.add(Become, unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL).may = 1
	p.caps.header.Version = unix.LINUX_CAPABILITY_VERSION_3
	if unix.Capget(&p.caps.header, &p.caps.data[0]) != nil {
		return
	}
	for i := range p.caps.data {
		p.caps.data[i].Inheritable = 0
	}
	p.add(Become, unix.SYS_CAPSET, address(&p.caps.header), address(&p.caps.data[0])).may = 1
}

// resetSignals adds what CLONE_CLEAR_SIGHAND does for clone3(2), before the mask is
// emptied. KILL and STOP have no handler.
func (p *plan) resetSignals() {
	at := slices.Index(p.names, Mask)
	var all plan
	for sig := uintptr(1); sig <= signalSetSize*8; sig++ {
		all.add(Mask, unix.SYS_RT_SIGACTION, sig, address(&defaultAction), 0, signalSetSize).may = 1
	}
	p.steps = slices.Insert(p.steps, at, all.steps...)
	p.names = slices.Insert(p.names, at, all.names...)
}
