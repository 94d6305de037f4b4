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
func supervise(cmd *client.Cmd) (syscall.Signal, error) {
	signals := make(chan os.Signal, 16)
	notify(signals, forwarded)
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		signal.Ignore(unix.SIGTTIN) // a read in the background says EIO
	}

	var last atomic.Int32
	go forward(cmd, signals, &last)
	err := cmd.Run()
	return syscall.Signal(last.Load()), err
}

// forward passes signals on for as long as the process lives.
func forward(cmd *client.Cmd, signals chan os.Signal, last *atomic.Int32) {
	notify(signals, jobControl)
	var interrupts []time.Time
	for s := range signals {
		sig := s.(syscall.Signal)
		switch sig {
		case unix.SIGTSTP:
			stop(cmd, signals)
			continue
		case unix.SIGCONT:
			_ = cmd.Signal(sig)
			continue
		case unix.SIGINT, unix.SIGTERM:
			interrupts = append(interrupts, time.Now())
			if n := len(interrupts); n >= enough && interrupts[n-1].Sub(interrupts[n-enough]) < impatience {
				_ = cmd.Abandon(sig)
				die(sig)
			}
		}
		last.Store(int32(sig))
		if errors.Is(cmd.Signal(sig), client.ErrNotRunning) {
			die(sig) // not called yet, or over and only writing output away
		}
	}
}

// stop stops the group at the worker and this process here, by its default
// action, and continues both.
func stop(cmd *client.Cmd, signals chan os.Signal) {
	_ = cmd.Stopped()
	signal.Reset(unix.SIGTSTP)
	toSelf(unix.SIGTSTP)
	signal.Notify(signals, unix.SIGTSTP)
	_ = cmd.Continued()
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
	var deflt [4]uintptr // struct kernel_sigaction: SIG_DFL
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
	none := unix.Sigset_t{}
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
	os.Exit(128 + int(sig))
}
