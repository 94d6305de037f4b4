//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// run is called by start with the stack that the kernel made: the number of words,
// the words, the variables. When it returns, the ordinary program begins, with the
// call in hand or anew.
func run(stack unsafe.Pointer) {
	p := process{stack, int(*(*uintptr)(stack))}
	makeCall(p)
	requireRuntime(p)
	record(p)
}

// makeCall makes the call, if it is a plain one, and exits with its status. It
// returns where the ordinary program has to go on.
func makeCall(p process) {
	var o options
	if p.words < 3 || !isRPC(p.word(0).str()) || !o.read(p) || !o.variables(p) || !o.check() ||
		!chooseStreams(o.stdinNull) || !pack(p, &o) || !find(o.workerName(p), &o) {
		return
	}
	if uid := o.value[serverUID]; uid.n > 0 {
		if n, ok := number(uid.str(), maxUID); !ok || !isServedBy(n) {
			call(unix.SYS_CLOSE, uintptr(state.socket), 0, 0, 0, 0, 0)
			return
		}
	}
	holdSignals()
	if !send() {
		call(unix.SYS_CLOSE, uintptr(state.socket), 0, 0, 0, 0, 0)
		return
	}
	follow()
	state.sent, state.handed = now()-(firstTimeout-state.patience), true
}

// isRPC reports whether the program was called by its own name: another may mean
// rpc-rsh. The first line of a shim calls it by its own.
func isRPC(name string) bool { return name == "rpc" || hasSuffix(name, "/rpc") }
