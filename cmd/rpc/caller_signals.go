package main

import (
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/cmd/rpc/entry"
	"rpcd/internal/sigaction"
)

// lastSignal is the highest number of a signal (signal(7)).
const lastSignal = 64

// callerSignals is how the caller of rpc has set the signals, and what Go's runtime
// has made of them.
type callerSignals struct {
	ignored, blocked uint64 // bit N-1 is signal N
	held             bool   // the entry has blocked those of a call
	runtimes         [lastSignal + 1]sigaction.Action
}

// ownSignals are this process's. takeSignals fills it in.
var ownSignals callerSignals

func (c *callerSignals) ignores(sig syscall.Signal) bool { return c.ignored>>(sig-1)&1 != 0 }
func (c *callerSignals) blocks(sig syscall.Signal) bool  { return c.blocked>>(sig-1)&1 != 0 }

// takeSignals sets the signals as they would be for a local command: what the caller
// ignores stays ignored, and what ends a process ends rpc, without a word. Go's
// runtime swallows some, and prints its stacks for others. Signals that it needs for
// itself have a handler that tells the two apart.
//
// Without the entry only the ignored signals are known that the runtime leaves alone.
func takeSignals() {
	ownSignals.look()
	for sig := syscall.Signal(1); sig <= lastSignal; sig++ {
		switch {
		case sig == unix.SIGKILL, sig == unix.SIGSTOP, sig == unix.SIGURG: // the last is the runtime's, and ends nothing
		case ownSignals.ignores(sig):
			signal.Ignore(sig)
			sigaction.Set(sig, sigaction.Ignore)
		case isRuntimes(sig):
			sigaction.Outside(sig, ownSignals.blocks(sig))
		case ownSignals.blocks(sig):
			sigaction.Set(sig, sigaction.Ignore) // the runtime has unblocked some
		case endsProcess(sig):
			ownSignals.runtimes[sig] = sigaction.Set(sig, sigaction.Default)
		}
	}
}

func (c *callerSignals) look() {
	if ignored, blocked, held, ok := entry.Signals(); ok {
		c.ignored, c.blocked, c.held = ignored, blocked, held
		return
	}
	c.blocked = sigaction.Blocked()
	for sig := syscall.Signal(1); sig <= lastSignal; sig++ {
		if signal.Ignored(sig) || !endsProcess(sig) && sigaction.Of(sig) == sigaction.Ignore {
			c.ignored |= 1 << (sig - 1)
		}
	}
}

// isRuntimes says whether the runtime needs a signal: it makes a panic of a fault,
// and an error of a write into a pipe that nobody reads.
func isRuntimes(sig syscall.Signal) bool {
	switch sig {
	case unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGPIPE, unix.SIGSEGV, unix.SIGSYS, unix.SIGTRAP:
		return true
	}
	return false
}

// endsProcess says whether a signal's default action is to end the process
// (signal(7)).
func endsProcess(sig syscall.Signal) bool {
	switch sig {
	case unix.SIGCHLD, unix.SIGCONT, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGURG, unix.SIGWINCH:
		return false
	}
	return true
}

// giveBack lets the runtime handle a signal, if takeSignals took it from it.
func (c *callerSignals) giveBack(sig syscall.Signal) {
	if runtimes := c.runtimes[sig]; runtimes != (sigaction.Action{}) {
		sigaction.Set(sig, runtimes)
	}
}
