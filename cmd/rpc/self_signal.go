package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/internal/sigaction"
)

// die ends this process by sig, without a core, so that its parent sees the
// signal. Where no signal can end it (PID 1 of a container), it exits with
// 128+sig.
func die(sig syscall.Signal) {
	ownTerminal.End()
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // that limit doesn't count where core_pattern is a pipe, see core(5)
	runtime.LockOSThread()
	sigaction.Set(sig, sigaction.Default)
	none := unix.Sigset_t{}
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil)
	signalThread(sig)
	os.Exit(128 + int(sig))
}
