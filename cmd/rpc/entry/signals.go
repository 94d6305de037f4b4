//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// signals is how many there are (signal(7)), and setSize the bytes of a set of them.
const (
	signals = 64
	setSize = 8
)

// ignore is SIG_IGN.
const ignore = 1

// record keeps which signals the caller has ignored and blocked. Go's runtime
// overwrites the first.
func record() {
	if !state.recorded {
		call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, 0, uintptr(unsafe.Pointer(&state.blocked)), setSize, 0, 0)
	}
	state.recorded = true
	for sig := uintptr(1); sig <= signals; sig++ {
		if isIgnored(sig) {
			state.ignored |= 1 << (sig - 1)
		}
	}
}

// isIgnored asks the kernel.
func isIgnored(sig uintptr) bool {
	state.action[0] = 0
	call(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&state.action)), setSize, 0, 0)
	return state.action[0] == ignore
}
