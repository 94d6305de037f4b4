//go:build amd64 || arm64

package sigaction

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the handler of Outside reads; see outside_amd64.s.
//
//lint:file-ignore U1000 only assembly reads these
var (
	pid      uint32       // this process's
	withheld uint64       // bit N-1: signal N is dropped
	shared   uint64       // bit N-1: Go's runtime has a use of its own for signal N
	runtimes uintptr      // the handler of Go's runtime, of those
	outside  uintptr      // the address of the handler; RODATA
	raw      uint32       // not 0: the next two count
	rawFD    uint32       // a terminal
	modes    unix.Termios // that it gets at the end
)

// Outside has sig end this process by its default action where another process
// sent it. A fault of our own, and a write into a pipe that nobody reads, still go
// to Go's runtime (sigaction(2), si_code and si_pid). With drop, a signal of another
// process does nothing: the caller has blocked it, and the runtime must not be
// blocked from its own. It is for signals for which the runtime has a handler.
func Outside(sig syscall.Signal, drop bool) {
	action := Set(sig, Action{})
	pid, runtimes = uint32(unix.Getpid()), action.handler
	shared |= 1 << (sig - 1)
	if drop {
		withheld |= 1 << (sig - 1)
	}
	action.handler = outside
	Set(sig, action)
}

// Orderly has sig end this process by its default action whoever sent it, behind what
// Lastly says. It is for signals that Go's runtime has no use for, 32 to 34 included,
// and changes nothing for those of Outside.
func Orderly(sig syscall.Signal) {
	if shared>>(sig-1)&1 == 0 {
		action := Of(unix.SIGSEGV) // or any signal with a handler
		action.handler = outside
		Set(sig, action)
	}
}

// Lastly has a terminal get these modes where a signal of Outside or Orderly ends this
// process. fd stays open. nil: no terminal does. One call at a time.
func Lastly(fd int, m *unix.Termios) {
	atomic.StoreUint32(&raw, 0)
	if m != nil {
		rawFD, modes = uint32(fd), *m
		atomic.StoreUint32(&raw, 1)
	}
}
