package main

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct of that name, see rt_sigaction(2); the zero
// value is SIG_DFL.
type sigaction [4]uintptr

// setAction sets a signal's disposition in the kernel, since signal.Reset leaves
// Go's handler there, which drops the signal. If before isn't nil, it gets the
// former disposition.
func setAction(sig syscall.Signal, action, before *sigaction) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(before)), 8, 0, 0)
}

// stopSelf stops this process by TSTP's default action. It returns when the
// process is continued.
func stopSelf() {
	var goHandler, byDefault sigaction
	setAction(unix.SIGTSTP, &byDefault, &goHandler)
	signalThread(unix.SIGTSTP)
	setAction(unix.SIGTSTP, &goHandler, nil)
}

// die ends this process by sig, without a core, so that its parent sees the
// signal. Where no signal can end it (PID 1 of a container), it exits with
// 128+sig.
func die(sig syscall.Signal) {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // that limit doesn't count where core_pattern is a pipe, see core(5)
	runtime.LockOSThread()
	setAction(sig, new(sigaction), nil)
	none := unix.Sigset_t{}
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil)
	signalThread(sig)
	os.Exit(128 + int(sig))
}

// signalThread sends sig to this very thread: it has arrived when tgkill(2)
// returns.
func signalThread(sig syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}
