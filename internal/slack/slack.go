// Package slack lets the kernel wake the threads of rpc and rpcd a little later than
// they ask for (timer slack, PR_SET_TIMERSLACK in prctl(2)). While a Go program works,
// a thread of the runtime looks at the others every 20 µs. With the usual slack of 50 µs
// that takes a fifth of rpcd's processor time in short calls, and keeps a processor
// from those who wait for it. No timer of rpc or rpcd has to be more exact than More.
//
// A thread has the slack of the one that made it. So it is set before the runtime makes
// any: rpcd is linked with -ldflags '-E rpcd/internal/slack.start', and cmd/rpc/entry
// does it for rpc. In a program linked without it nothing changes. Processes that rpcd
// starts have the slack that rpcd was given: see Restore and Do.
package slack

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// More is the slack of our threads, in nanoseconds. Calls are no faster with 1 or 5 ms.
const More = 300_000

// given is the slack that start has found, in nanoseconds; 0: it has changed nothing.
var given uintptr

// Restore gives the calling thread the slack that the program was given. Raise is to
// follow on the same thread. Both may be called between entersyscall and exitsyscall.
//
//go:nosplit
func Restore() {
	if given > 0 {
		_, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, given, 0)
	}
}

// Raise gives the calling thread More again.
//
//go:nosplit
func Raise() {
	if given > 0 {
		_, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, More, 0)
	}
}

// Do calls f on a thread with the slack that the program was given. A process that f
// makes there has it, too.
func Do(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	Restore()
	defer Raise()
	f()
}
