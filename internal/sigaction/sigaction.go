// Package sigaction calls rt_sigaction(2) behind the back of Go's runtime. It can
// give a signal its default action, which os/signal can't: signal.Reset leaves the
// runtime's handler in place, and that swallows SIGTSTP, for instance.
package sigaction

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Action is the kernel's struct sigaction as x86 and ARM have it.
type Action struct {
	handler, flags, restorer uintptr
	mask                     [2]uint32 // 64 signals, also where a word has 32 bits
}

// Default is SIG_DFL, without flags and with an empty mask.
var Default Action

// Ignore is SIG_IGN.
var Ignore = Action{handler: 1}

// Set sets a signal's action and gives the one that it had. A number that no
// signal has is left alone, and so are KILL and STOP.
func Set(sig syscall.Signal, action Action) (before Action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&action)), uintptr(unsafe.Pointer(&before)), unsafe.Sizeof(action.mask), 0, 0)
	return before
}
