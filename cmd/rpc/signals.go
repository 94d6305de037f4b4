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
)

// The signals that reach the procedure. A signal that rpc was started ignoring or
// blocking stays so. Each costs 40 us to ask for, so those for job control are asked
// for while the worker starts the procedure.
var (
	forwarded  = []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
	jobControl = []syscall.Signal{unix.SIGCONT, unix.SIGTSTP}
)

// notify asks for signals.
func notify(to chan os.Signal, signals []syscall.Signal) {
	for _, sig := range signals {
		if ownSignals.ignores(sig) || ownSignals.blocks(sig) {
			continue
		}
		if ownSignals.held {
			ownSignals.giveBack(sig) // os/signal unblocks it before it has its handler
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

// A worker that takes no frame doesn't keep rpc here: it hears of the end by the end
// of the connection, and of a stop when it reads on.
const (
	abandonWait = 100 * time.Millisecond
	stopWait    = 500 * time.Millisecond
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
	var started atomic.Bool
	abandon := func(sig syscall.Signal) {
		abandonedBy.Store(int32(sig))
		within(abandonWait, newTeller().say(func() { _ = cmd.Abandon(sig) })) // not behind what isn't taken
		beforeDeath(sig)
		die(sig)
	}
	begin := func(came ...syscall.Signal) {
		notify(signals, forwarded)
		for _, sig := range came {
			signals <- sig
		}
		go forward(cmd, signals, &last, &started, abandon)
	}
	// A signal that came in the entry is pending. It comes when there is a handler, and
	// then the call has to be there.
	if adopted, err := adoptSent(cmd, begin); err != nil {
		return 0, err
	} else if !adopted {
		begin()
	}
	err := cmd.Start()
	defer ownTerminal.End()
	if err == nil {
		started.Store(true)
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

// forward passes signals on for as long as the process lives, and never waits for the
// worker. It ends the call by abandon, which doesn't return.
func forward(cmd *client.Cmd, signals chan os.Signal, last *atomic.Int32, started *atomic.Bool, abandon func(syscall.Signal)) {
	watchJobControl(signals)
	words := newTeller()
	// No procedure runs: the call isn't sent yet, or it has ended and rpc still
	// writes its output. If nobody reads that, it isn't waited for.
	unsent := make(chan syscall.Signal)
	var interrupts []time.Time
	for {
		var sig syscall.Signal
		select {
		case sig = <-unsent:
			abandon(sig)
		case s := <-signals:
			sig = s.(syscall.Signal)
		}
		switch sig {
		case unix.SIGTSTP:
			stop(cmd, words)
			continue
		case unix.SIGCONT:
			words.say(func() { _ = cmd.Signal(sig) })
			continue
		case unix.SIGINT, unix.SIGTERM:
			interrupts = append(interrupts, time.Now())
			if n := len(interrupts); n >= abandonAfter && interrupts[n-1].Sub(interrupts[n-abandonAfter]) < abandonWindow {
				abandon(sig)
			}
		}
		last.Store(int32(sig))
		words.say(func() {
			if errors.Is(cmd.Signal(sig), client.ErrNotRunning) {
				if started.Load() {
					time.Sleep(abandonWait)
				}
				unsent <- sig
			}
		})
	}
}

// teller tells the worker one thing after the other, each of which may wait for the
// worker.
type teller chan func()

func newTeller() teller {
	t := make(teller, 16) // a worker that takes none of so many has no use for more
	go func() {
		for f := range t {
			f()
		}
	}()
	return t
}

// say lets f be called behind the others, unless these are too many. done is closed
// when f has returned.
func (t teller) say(f func()) (done <-chan struct{}) {
	over := make(chan struct{})
	select {
	case t <- func() { defer close(over); f() }:
	default:
	}
	return over
}

// within waits for done, for at most d.
func within(d time.Duration, done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(d):
	}
}
