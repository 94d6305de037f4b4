package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/internal/sigaction"
)

// stopSelf stops this process by TSTP's default action. It returns when the
// process is continued.
func stopSelf() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var stop, before unix.Sigset_t
	stop.Val[0] = 1 << (unix.SIGTSTP - 1)
	goHandler := sigaction.Set(unix.SIGTSTP, sigaction.Default)
	// The entry blocks it where it hands a call over.
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &stop, &before)
	signalThread(unix.SIGTSTP)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	sigaction.Set(unix.SIGTSTP, goHandler)
}

// die ends this process by sig, without a core, so that its parent sees the
// signal. Where no signal can end it (PID 1 of a container), it exits with
// 128+sig.
func die(sig syscall.Signal) {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // that limit doesn't count where core_pattern is a pipe, see core(5)
	runtime.LockOSThread()
	sigaction.Set(sig, sigaction.Default)
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
