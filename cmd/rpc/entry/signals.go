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

// forwarded are the signals that reach the procedure, and TSTP, as a set. They are
// held back while the entry or the ordinary program can't see them.
const forwarded = 1<<(unix.SIGHUP-1) | 1<<(unix.SIGINT-1) | 1<<(unix.SIGQUIT-1) | 1<<(unix.SIGUSR1-1) | 1<<(unix.SIGUSR2-1) |
	1<<(unix.SIGTERM-1) | 1<<(unix.SIGCONT-1) | 1<<(unix.SIGTSTP-1)

// record keeps which signals the caller has ignored and blocked, for cmd/rpc's
// takeSignals. Go's runtime overwrites the first, and unblocks some of the others. If
// the ordinary program is to make a call, the forwarded ones are held back until it
// has handlers: the runtime swallows some of them.
func record(p process) {
	if !state.held && ownFailure(p) == callFailure {
		holdSignals()
	}
	if !state.held {
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

// holdSignals blocks the forwarded signals, once: what the caller had blocked anyway
// isn't looked at.
func holdSignals() {
	state.set = forwarded
	call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&state.set)), uintptr(unsafe.Pointer(&state.blocked)), setSize, 0, 0)
	state.held = true
	state.watched = forwarded &^ state.blocked
}

// handleSignals forwards the signals that are pending. It is false where the ordinary
// program is needed, for a call that doesn't run yet. Such a signal can't stay
// pending: Go's runtime unblocks signals before it has handlers.
//
// While a signal is blocked, the kernel keeps it even if it is ignored (signal(7)).
func handleSignals() bool {
	state.set = 0
	call(unix.SYS_RT_SIGPENDING, uintptr(unsafe.Pointer(&state.set)), setSize, 0, 0, 0, 0)
	pending := state.set & state.watched
	ok := true
	for sig := uintptr(1); sig <= signals; sig++ {
		if pending>>(sig-1)&1 == 0 {
			continue
		}
		ignored := isIgnored(sig)
		if sig == uintptr(unix.SIGTSTP) && !ignored && state.started != 0 {
			stop()
			continue
		}
		state.set, state.time = 1<<(sig-1), [2]int64{}
		call(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&state.set)), 0, uintptr(unsafe.Pointer(&state.time)), setSize, 0, 0)
		switch {
		case ignored:
		case state.started == 0:
			state.caught |= 1 << (sig - 1)
			ok = false
		case isThird(sig):
			tell(typeSignal, abandon, sig)
			die(sig)
		default:
			tell(typeSignal, 0, sig)
		}
	}
	return ok
}

// isThird reports whether sig is the third INT or TERM within two seconds: the caller
// leaves a call that ignores them.
func isThird(sig uintptr) bool {
	if sig != uintptr(unix.SIGINT) && sig != uintptr(unix.SIGTERM) {
		return false
	}
	before, t := state.interrupts[0], now()
	state.interrupts[0], state.interrupts[1] = state.interrupts[1], t
	return before != 0 && t-before < abandonWindow
}

const (
	typeSignal    = 32
	typeStopped   = 33
	typeContinued = 34
	abandon       = 1          // SIGNAL's flag ABANDON
	abandonWindow = 2 * second // cmd/rpc's
)

// stop stops the procedure's group at the worker and this process here, and goes on
// with both when this process is continued. TSTP is pending: the kernel takes it away
// where CONT comes before it is let in.
func stop() {
	tell(typeStopped, 0, 0)
	state.set = 1 << (unix.SIGTSTP - 1)
	call(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, uintptr(unsafe.Pointer(&state.set)), 0, setSize, 0, 0)
	call(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&state.set)), 0, setSize, 0, 0)
	tell(typeContinued, 0, 0)
}

// tell sends SIGNAL, STOPPED or CONTINUED; only the first has a payload. If the worker
// has gone, that is seen by who waits for it.
func tell(kind, flags, sig uintptr) {
	state.signal = [9]byte{0: byte(kind), 3: byte(flags), 8: byte(sig)}
	size := uintptr(headerSize)
	if kind == typeSignal {
		state.signal[7] = 1
		size++
	}
	call(unix.SYS_SENDTO, uintptr(state.socket), uintptr(unsafe.Pointer(&state.signal)), size, unix.MSG_NOSIGNAL, 0, 0)
}

// die ends this process by sig, without a core, so that its parent sees the signal.
// Where no signal can end it (PID 1 of a container), it exits with 128+sig.
func die(sig uintptr) {
	state.time, state.set, state.action = [2]int64{}, 0, [4]uintptr{}
	call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, uintptr(unsafe.Pointer(&state.time)), 0, 0, 0) // struct rlimit: two words, too
	call(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0, 0)                                    // that limit doesn't count where core_pattern is a pipe (core(5))
	call(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&state.action)), 0, setSize, 0, 0)
	call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&state.set)), 0, setSize, 0, 0)
	call(unix.SYS_TGKILL, call(unix.SYS_GETPID, 0, 0, 0, 0, 0, 0), call(unix.SYS_GETTID, 0, 0, 0, 0, 0, 0), sig, 0, 0, 0)
	call(unix.SYS_EXIT_GROUP, 128+sig, 0, 0, 0, 0, 0)
}
