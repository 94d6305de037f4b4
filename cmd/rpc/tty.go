package main

import (
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/client/terminal"
	"rpcd/internal/door"
	"rpcd/internal/sigaction"
	"rpcd/rpcd/wire"
)

// ownTerminal is this process's terminal while the procedure has one (-t); nil: it
// has none, or there is none here. It is raw meanwhile. callWithSignals and
// die restore it, and so does each signal of dieOrderly: no other way leads out.
var ownTerminal *terminal.Terminal

// askTerminal asks for a terminal for the procedure.
func askTerminal(cmd *client.Cmd) error {
	in, ok := cmd.Stdin.(*os.File)
	if !ok { // --stdin-null
		var err error
		if in, err = os.Open(os.DevNull); err != nil {
			return err
		}
		cmd.Stdin = in
	}
	ownTerminal = terminal.Of(in, os.Stdout, os.Stderr)
	t := &door.Terminal{Started: func() { takeTerminal(cmd) }, Stopped: func() { stopGroup(cmd) }}
	t.Window, t.Modes = ownTerminal.Window(), ownTerminal.Modes()
	if name := os.Getenv("TERM"); len(name) <= wire.MaxTerminalType {
		t.Type = name
	}
	door.Of(cmd).SetTerminal(t)
	go followWindow(cmd)
	dieOrderly()
	return nil
}

// foregroundPoll is how often a call in the background looks whether it has come to the
// foreground. Shells tell a job nothing that runs when they fetch it.
const foregroundPoll = 100 * time.Millisecond

var awaitsForeground atomic.Bool

// takeTerminal makes the terminal raw: at once, or when this process comes to the
// foreground.
func takeTerminal(cmd *client.Cmd) {
	if ownTerminal.Raw() || !awaitsForeground.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer awaitsForeground.Store(false)
		for !ownTerminal.Raw() {
			time.Sleep(foregroundPoll)
		}
		_ = door.Of(cmd).Resize(ownTerminal.Window()) // nobody in the background is told
	}()
}

// followWindow tells the worker each new size of the terminal.
func followWindow(cmd *client.Cmd) {
	changes := make(chan os.Signal, 1) // one is enough: the size of now counts
	notify(changes, []syscall.Signal{unix.SIGWINCH})
	for range changes {
		_ = door.Of(cmd).Resize(ownTerminal.Window())
	}
}

// stopGroup is for a procedure that has stopped in its terminal: it stops this process's
// group, as Ctrl-Z in its own terminal would, and so this process by way of its handler.
// Where that is ignored, the procedure goes on.
func stopGroup(cmd *client.Cmd) {
	if ownSignals.ignores(unix.SIGTSTP) || ownSignals.blocks(unix.SIGTSTP) {
		_ = cmd.Continued()
		return
	}
	_ = unix.Kill(0, unix.SIGTSTP)
}

// dieOrderly has each signal that ends this process give the terminal its modes back
// first. It leaves those alone that reach the procedure, which end it by die, and those
// that the caller ignores or blocks.
func dieOrderly() {
	for sig := syscall.Signal(1); sig <= lastSignal; sig++ {
		if endsProcess(sig) && sig != unix.SIGKILL && !slices.Contains(forwarded, sig) && !ownSignals.ignores(sig) && !ownSignals.blocks(sig) {
			sigaction.Orderly(sig)
		}
	}
}
