// Package slack lets the kernel wake the threads of rpc and rpcd a little later than
// they ask for (timer slack, PR_SET_TIMERSLACK in prctl(2)). While a Go program works,
// a thread of the runtime looks at the others every 20 µs. With the usual slack of 50 µs
// that takes a fifth of rpcd's processor time in short calls, and keeps a processor
// from those who wait for it. No timer of rpc or rpcd has to be more exact than More.
//
// A thread has the slack of the one that made it. So it is set before the runtime makes
// any: rpcd is linked with -ldflags '-E rpcd/internal/slack.start', and cmd/rpc/entry
// does it for rpc. Without, nothing here does anything. What a program starts has what
// the program itself was given: see Given and Do.
package slack

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// More is the slack of our threads, in nanoseconds. Four times as much saves no more.
const More = 300_000

// given is the slack that start has found, in nanoseconds; 0: it has changed nothing.
var given uintptr

// Given gives the calling thread the slack that the program was given, until Taken. It
// may be called where the runtime doesn't know what its thread does.
//
//go:nosplit
func Given() {
	if given > 0 {
		_, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, given, 0)
	}
}

// Taken is the end of Given.
//
//go:nosplit
func Taken() {
	if given > 0 {
		_, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, More, 0)
	}
}

// Do calls f on a thread with the slack that the program was given, so that a process
// which f makes has it, too.
func Do(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	Given()
	defer Taken()
	f()
}
