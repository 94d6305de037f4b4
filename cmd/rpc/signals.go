package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/client"
)

// The signals that reach the procedure. What rpc was started ignoring stays
// ignored. Each costs 40 us to ask for, so those for job control are asked for
// while the worker starts the procedure.
var (
	forwarded  = []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
	jobControl = []syscall.Signal{unix.SIGCONT, unix.SIGTSTP}
)

func notify(to chan os.Signal, signals []syscall.Signal) {
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(to, sig)
		}
	}
}

// Three of INT and TERM within impatience end a call that ignores them.
const (
	impatience = 2 * time.Second
	enough     = 3
)

// supervise makes the call, and gives the last signal that was sent to it.
// Before it dies by a signal of its own it calls lastWords.
func supervise(cmd *client.Cmd, lastWords func(syscall.Signal)) (syscall.Signal, error) {
	signals := make(chan os.Signal, 16)
	notify(signals, forwarded)
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		signal.Ignore(unix.SIGTTIN) // a read in the background says EIO
	}

	var last, abandoned atomic.Int32
	go forward(cmd, signals, &last, func(sig syscall.Signal) {
		abandoned.Store(int32(sig))
		_ = cmd.Abandon(sig)
		lastWords(sig)
		die(sig)
	})
	err := cmd.Start()
	if err == nil {
		if cmd.Relays() {
			runtime.GOMAXPROCS(runtime.NumCPU())
		}
		err = cmd.Wait()
	}
	if sig := syscall.Signal(abandoned.Load()); sig != 0 { // the worker was quicker than we
		lastWords(sig)
		die(sig)
	}
	return syscall.Signal(last.Load()), err
}

// forward passes signals on for as long as the process lives. It ends the call
// by abandon, which doesn't return.
func forward(cmd *client.Cmd, signals chan os.Signal, last *atomic.Int32, abandon func(syscall.Signal)) {
	notify(signals, jobControl)
	var interrupts []time.Time
	for s := range signals {
		sig := s.(syscall.Signal)
		switch sig {
		case unix.SIGTSTP:
			stop(cmd)
			continue
		case unix.SIGCONT:
			_ = cmd.Signal(sig)
			continue
		case unix.SIGINT, unix.SIGTERM:
			interrupts = append(interrupts, time.Now())
			if n := len(interrupts); n >= enough && interrupts[n-1].Sub(interrupts[n-enough]) < impatience {
				abandon(sig)
			}
		}
		last.Store(int32(sig))
		if errors.Is(cmd.Signal(sig), client.ErrNotRunning) {
			abandon(sig) // not called yet, or over and only writing output away
		}
	}
}

// stop stops the group at the worker and this process here, by its default
// action, and continues both. (signal.Reset would leave Go's handler there,
// which swallows the signal.)
func stop(cmd *client.Cmd) {
	_ = cmd.Stopped()
	var ours, deflt sigaction
	setAction(unix.SIGTSTP, &deflt, &ours)
	toSelf(unix.SIGTSTP)
	setAction(unix.SIGTSTP, &ours, nil)
	_ = cmd.Continued()
}

// sigaction is the kernel's struct of that name; the zero value is SIG_DFL.
type sigaction [4]uintptr

func setAction(sig syscall.Signal, action, before *sigaction) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(before)), 8, 0, 0)
}

// toSelf sends sig to this very thread: it has arrived when tgkill(2) returns.
func toSelf(sig syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}

// die ends this process by sig, without a core, so that its parent sees the
// signal; where that can't be (PID 1 of a container) it exits with 128+sig.
func die(sig syscall.Signal) {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // a core_pattern that is a pipe knows no limit
	runtime.LockOSThread()
	setAction(sig, new(sigaction), nil)
	none := unix.Sigset_t{}
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
	os.Exit(128 + int(sig))
}
