// Package sigaction calls rt_sigaction(2) behind the back of Go's runtime. It can
// give a signal its default action, which os/signal can't: signal.Reset leaves the
// runtime's handler in place, and that swallows SIGTSTP, for instance.
package sigaction

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Action is the kernel's struct sigaction as amd64 and arm64 have it: handler,
// flags, restorer and mask, a word each.
type Action [4]uintptr

// Default is SIG_DFL, without flags and with an empty mask.
var Default Action

// Ignore is SIG_IGN.
var Ignore = Action{1}

// Set sets a signal's action and gives the one that it had. A number that no
// signal has is left alone, and so are KILL and STOP.
func Set(sig syscall.Signal, action Action) (before Action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&action)), uintptr(unsafe.Pointer(&before)), unsafe.Sizeof(action[3]), 0, 0)
	return before
}
