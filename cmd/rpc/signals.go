package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/door"
	"rpcd/internal/sigaction"
)

// The signals that reach the procedure. A signal that rpc was started ignoring or
// blocking stays so. Each costs 40 us to ask for, so those for job control are asked
// for while the worker starts the procedure.
var (
	forwarded  = []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
	jobControl = []syscall.Signal{unix.SIGCONT, unix.SIGTSTP}
)

// notify asks for signals. Those that the entry has held back are still blocked, and
// may be pending. os/signal unblocks a signal before it has its handler, so one of
// job control is taken first.
func notify(to chan os.Signal, signals []syscall.Signal, held bool) {
	for _, sig := range signals {
		if ownSignals.ignores(sig) || ownSignals.blocks(sig) {
			continue
		}
		if held && !ownSignals.giveBack(sig) && sigaction.Take(sig) {
			to <- sig
		}
		signal.Notify(to, sig)
		ownSignals.giveBack(sig)
	}
}

// abandonAfter INT or TERM within abandonWindow end a call that ignores them.
const (
	abandonAfter  = 3
	abandonWindow = 2 * time.Second
)

// callWithSignals makes the call, forwards this process's signals to it, and
// gives the last one that was forwarded, or 0. Where a signal ends rpc itself,
// beforeDeath is called first, and callWithSignals doesn't return.
func callWithSignals(cmd *client.Cmd, beforeDeath func(syscall.Signal)) (syscall.Signal, error) {
	signals := make(chan os.Signal, 16)
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		signal.Ignore(unix.SIGTTIN) // so that a read in the background gives EIO
	}

	var last, abandonedBy atomic.Int32
	abandon := func(sig syscall.Signal) {
		abandonedBy.Store(int32(sig))
		_ = cmd.Abandon(sig)
		beforeDeath(sig)
		die(sig)
	}
	begin := func(held bool, came ...syscall.Signal) {
		notify(signals, forwarded, held)
		for _, sig := range came {
			signals <- sig
		}
		go forward(cmd, signals, held, &last, abandon)
	}
	// A signal that came in the entry is pending. It comes when there is a handler, and
	// then the call has to be there.
	if adopted, err := adoptSent(cmd, func(came ...syscall.Signal) { begin(true, came...) }); err != nil {
		return 0, err
	} else if !adopted {
		begin(false)
	}
	err := cmd.Start()
	if err == nil {
		if door.Of(cmd).Relays() {
			runtime.GOMAXPROCS(runtime.NumCPU()) // main left one
		}
		err = cmd.Wait()
	}
	// An abandoned call ends before the other goroutine has died.
	if sig := syscall.Signal(abandonedBy.Load()); sig != 0 {
		beforeDeath(sig)
		die(sig)
	}
	return syscall.Signal(last.Load()), err
}

// forward passes signals on for as long as the process lives. It ends the call
// by abandon, which doesn't return.
func forward(cmd *client.Cmd, signals chan os.Signal, held bool, last *atomic.Int32, abandon func(syscall.Signal)) {
	notify(signals, jobControl, held)
	var interrupts []time.Time
	for s := range signals {
		sig := s.(syscall.Signal)
		switch sig {
		case unix.SIGTSTP:
			stop(cmd)
			continue
		case unix.SIGCONT:
			_ = cmd.Signal(sig)
			continue
		case unix.SIGINT, unix.SIGTERM:
			interrupts = append(interrupts, time.Now())
			if n := len(interrupts); n >= abandonAfter && interrupts[n-1].Sub(interrupts[n-abandonAfter]) < abandonWindow {
				abandon(sig)
			}
		}
		last.Store(int32(sig))
		// No procedure runs: the call isn't sent yet, or it has ended and rpc still
		// writes its output.
		if errors.Is(cmd.Signal(sig), client.ErrNotRunning) {
			abandon(sig)
		}
	}
}

// stop stops the procedure's group at the worker and this process here, and
// continues both when this process is continued.
func stop(cmd *client.Cmd) {
	_ = cmd.Stopped()
	stopSelf()
	_ = cmd.Continued()
}
