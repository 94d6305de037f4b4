//go:build amd64 || arm64

package sigaction

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// What the handler of Outside reads; see outside_amd64.s.
//
//lint:file-ignore U1000 only assembly reads these
var (
	pid      uint32  // this process's
	withheld uint64  // bit N-1: signal N is dropped
	runtimes uintptr // the handler of Go's runtime
	outside  uintptr // the address of the handler; RODATA
)

// Outside has sig end this process by its default action where another process
// sent it. A fault of our own, and a write into a pipe that nobody reads, still go
// to Go's runtime (sigaction(2), si_code and si_pid). With drop, a signal of another
// process does nothing: the caller has blocked it, and the runtime must not be
// blocked from its own. It is for signals for which the runtime has a handler.
func Outside(sig syscall.Signal, drop bool) {
	action := Set(sig, Action{})
	pid, runtimes = uint32(unix.Getpid()), action.handler
	if drop {
		withheld |= 1 << (sig - 1)
	}
	action.handler = outside
	Set(sig, action)
}
