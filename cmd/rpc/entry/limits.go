//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/internal/version"
)

// What the ordinary program needs. Go's runtime reserves 1.2 GiB of addresses at its
// start, whatever it then uses, and has up to 7 threads in a call. With less, it
// would end with its own status and many lines.
const (
	leastAddresses = 1536 << 20 // RLIMIT_AS, in bytes
	leastData      = 128 << 20  // RLIMIT_DATA, in bytes
	leastThreads   = 8
)

// thread starts a thread that waits until the word at gate isn't 0, and ends. The
// kernel then sets the word at gone to 0. It gives the thread's number or an errno.
func thread(gate, gone uintptr) uintptr

// requireRuntime ends rpc in one line where a limit of its caller's doesn't let the
// ordinary program start.
func requireRuntime(p process) {
	why := ""
	switch {
	case isLimited(unix.RLIMIT_AS, leastAddresses):
		why = "rpc: cannot start: ulimit -v allows less than 1572864 KiB, which this needs (a plain call doesn't: files and pipes, no terminal)\n"
	case isLimited(unix.RLIMIT_DATA, leastData):
		why = "rpc: cannot start: ulimit -d allows less than 131072 KiB, which this needs (a plain call doesn't: files and pipes, no terminal)\n"
	case !canThread():
		why = "rpc: cannot start: the system allows no 8 threads more (ulimit -u, or a container's pids limit), which this needs\n"
	default:
		return
	}
	call(unix.SYS_WRITE, 2, constant(why).at, uintptr(len(why)), 0, 0, 0)
	call(unix.SYS_EXIT_GROUP, ownFailure(p), 0, 0, 0, 0, 0)
}

// ownFailure is cmd/rpc's status where rpc itself fails: 125 of a call, 255 of a remote
// shell, 1 of another verb.
func ownFailure(p process) uintptr {
	if name := p.word(0).str(); name == remoteShell || hasSuffix(name, "/"+remoteShell) {
		return shellFailure
	}
	if p.words > 1 {
		word := p.word(1).str()
		for _, verb := range version.Verbs {
			if word == verb && verb == "rsh" {
				return shellFailure
			}
			if word == verb && verb != "call" {
				return 1
			}
		}
	}
	return callFailure
}

const (
	callFailure  = 125
	shellFailure = 255 // ssh(1)
)

// remoteShell is the name under which rpc takes ssh's words.
const remoteShell = "rpc-rsh"

func isLimited(limit, least uintptr) bool {
	r := call(unix.SYS_PRLIMIT64, 0, limit, 0, uintptr(unsafe.Pointer(&state.limit)), 0, 0)
	return r == 0 && state.limit[0] < uint64(least)
}

// canThread reports whether the kernel gives as many threads as are needed. It starts
// them: limits of users and of control groups can't be read everywhere.
func canThread() bool {
	const wait, wake = 0, 1 // futex(2)
	ok := true
	for i := range state.gone {
		state.gone[i] = 1
		if failed(thread(uintptr(unsafe.Pointer(&state.gate)), uintptr(unsafe.Pointer(&state.gone[i])))) {
			state.gone[i] = 0
			ok = false
			break
		}
	}
	state.gate = 1
	call(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&state.gate)), wake, leastThreads, 0, 0, 0)
	for i := range state.gone {
		for {
			r := call(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&state.gone[i])), wait, 1, 0, 0, 0)
			if r == errno(unix.EAGAIN) { // it isn't 1 any more
				break
			}
		}
	}
	return ok
}
