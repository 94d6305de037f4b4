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

// nothing is the address of a handler that does nothing; see nothing.s.
var nothing uintptr

// Nothing gives an action that changes nothing for this process, as Ignore does,
// but that execve(2) resets to the default. It is for signals that os/signal knows
// no handler for: 32 to 34, which are a C library's.
func Nothing() Action {
	action := Of(unix.SIGSEGV) // or any signal with a handler
	action.handler = nothing
	return action
}

// Set sets a signal's action and gives the one that it had. A number that no
// signal has is left alone, and so are KILL and STOP.
func Set(sig syscall.Signal, action Action) (before Action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&action)), uintptr(unsafe.Pointer(&before)), unsafe.Sizeof(action.mask), 0, 0)
	return before
}

// Of gives a signal's action.
func Of(sig syscall.Signal) (action Action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		0, uintptr(unsafe.Pointer(&action)), unsafe.Sizeof(action.mask), 0, 0)
	return action
}

// Blocked gives the signals that this thread blocks: bit N-1 is signal N.
func Blocked() uint64 {
	var mask [2]uint32
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK,
		0, uintptr(unsafe.Pointer(&mask)), unsafe.Sizeof(mask), 0, 0)
	return uint64(mask[1])<<32 | uint64(mask[0])
}

// Pending gives the signals that are pending in this process or thread, and blocked in
// this thread: bit N-1 is signal N.
func Pending() uint64 {
	var mask [2]uint32
	_, _, _ = unix.RawSyscall(unix.SYS_RT_SIGPENDING, uintptr(unsafe.Pointer(&mask)), unsafe.Sizeof(mask), 0)
	return uint64(mask[1])<<32 | uint64(mask[0])
}

// SetBlocked sets the signals that this thread blocks: bit N-1 is signal N.
func SetBlocked(signals uint64) {
	mask := [2]uint32{uint32(signals), uint32(signals >> 32)}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(&mask)), 0, unsafe.Sizeof(mask), 0, 0)
}

// Take takes away a signal that is pending and blocked in this thread, and says
// whether there was one (sigtimedwait(2)).
func Take(sig syscall.Signal) bool {
	var mask [2]uint32
	if sig -= 1; sig < 32 {
		mask[0] = 1 << sig
	} else {
		mask[1] = 1 << (sig - 32)
	}
	var zero unix.Timespec
	got, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&mask)), 0,
		uintptr(unsafe.Pointer(&zero)), unsafe.Sizeof(mask), 0, 0)
	return errno == 0 && got == uintptr(sig)+1
}
