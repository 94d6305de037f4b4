//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/internal/slack"
)

// run is called by start with the stack that the kernel made: the number of words,
// the words, the variables. When it returns, the ordinary program begins, with the
// call in hand or anew.
func run(stack unsafe.Pointer) {
	p := process{stack, int(*(*uintptr)(stack))}
	makeCall(p)
	requireRuntime(p)
	record(p)
	relax()
}

// relax is internal/slack's start. rpc starts no processes that would have to be given
// the slack back.
func relax() {
	if got := call(unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0, 0, 0, 0, 0); got > 0 && got < slack.More {
		call(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, slack.More, 0, 0, 0, 0)
	}
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
