package rpcd

import (
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/run"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// callState is where a call is in its life:
//
//	waiting  it is looked up, or waits for a place. Signals cancel it.
//	running  its process runs. Signals reach the process group.
//	closing  its process has ended. Its caller has yet to take the output and the
//	         status. Signals go nowhere.
//	over     its caller has been told: by EXIT, or by REFUSED.
//
// The goroutine of serve alone changes it.
type callState int

const (
	callWaiting callState = iota
	callRunning
	callClosing
	callOver
)

// callTransitions lists, for each state, those that may follow it.
var callTransitions = map[callState][]callState{
	callWaiting: {callRunning, callOver},
	callRunning: {callClosing},
	callClosing: {callOver},
}

// become changes the state.
func (c *call) become(next callState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(next)
}

// enter is become; c.mu is held.
func (c *call) enter(next callState) {
	if !slices.Contains(callTransitions[c.state], next) {
		c.host.Log.Error("a call in the wrong state", "call", c.id, "state", int(c.state), "next", int(next))
	}
	c.state = next
}

// ending is how far the end of a call's process has been brought about. It only
// grows.
type ending int

const (
	notEnded   ending = iota
	terminated        // TERM and CONT are sent, the grace runs
	killed            // KILL is sent
)

// started makes p the target of signals and ends, also of those that came before
// it. p began then; due is its end when its time limit has run out; a limit of 0: never.
func (c *call) started(p run.Process, due wire.End, began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(callRunning)
	c.process = p
	for _, sig := range c.pending {
		p.Signal(sig)
	}
	if due.Limit > 0 {
		c.timers = append(c.timers, time.AfterFunc(time.Until(began.Add(due.Limit)), func() { c.end(terminated, due) }))
	}
	how := c.ending
	c.ending = notEnded
	c.bringAbout(how)
}

// end brings the process's end about, for that reason: terminated with the grace,
// killed at once. A process that hasn't started yet is ended when it has.
func (c *call) end(how ending, why wire.End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cause.Begin(why)
	c.bringAbout(how)
}

// bringAbout is end; c.mu is held.
func (c *call) bringAbout(how ending) {
	if how <= c.ending {
		return
	}
	c.ending = how
	switch {
	case c.state == callWaiting:
		c.cancel() // a look-up or a start may hang
	case c.state != callRunning:
	case how == killed:
		c.deadline = time.Now()
		c.process.SignalAll(unix.SIGKILL)
	default:
		c.deadline = time.Now().Add(c.host.Grace)
		c.process.SignalAll(unix.SIGTERM, unix.SIGCONT)
		c.timers = append(c.timers, time.AfterFunc(c.host.Grace, func() { c.end(killed, wire.End{}) }))
	}
}

// exited says that the process has ended, with that status: signals and ends go
// nowhere from now on. It gives the end of the grace for what is left of the group,
// and what ended the process.
func (c *call) exited(status uint32) (deadline time.Time, why wire.End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(callClosing)
	why = c.cause.Judge(syscall.WaitStatus(status), time.Now(), c.host.Grace, c.process.OutOfMemory)
	c.process = nil
	for _, t := range c.timers {
		t.Stop()
	}
	if c.deadline.IsZero() {
		c.deadline = time.Now().Add(c.host.Grace)
	}
	return c.deadline, why
}

// maxPending bounds the signals that are kept for a process that is about to
// start. A caller that waits may send any number.
const maxPending = 16

// signal sends sig to the process group, or cancels a call that waits. Of the
// stops and continuations of a call that waits only the last counts.
func (c *call) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case callRunning:
		c.process.Signal(sig)
	case callWaiting:
		if isJobControl(sig) {
			c.pending = slices.DeleteFunc(c.pending, isJobControl)
		}
		if len(c.pending) < maxPending {
			c.pending = append(c.pending, sig)
		}
		if !isJobControl(sig) && sig != unix.SIGWINCH {
			c.cancel()
		}
	}
}

func isJobControl(sig syscall.Signal) bool { return sig == unix.SIGSTOP || sig == unix.SIGCONT }

// cut closes the connection of a call whose caller doesn't take its output and
// its status: for us that caller is gone.
func (c *call) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == callClosing {
		c.fd.HangUp()
	}
}

// vanish says that the caller is gone.
func (c *call) vanish() {
	c.leave()
	c.Relay.Abort(os.ErrClosed)
	c.end(terminated, wire.End{Reason: wire.CallerLeft})
}

// frame takes a frame of the caller's. An error ends the connection.
func (c *call) frame(h wire.Header, body io.Reader) error {
	event, err := c.Handle(h, body)
	if err != nil {
		c.host.Log.Warn("drop a call", "call", c.id, "error", err)
		return err
	}
	switch event.Kind {
	case talk.Signaled:
		c.signal(event.Signal)
	case talk.Abandoned: // the caller wants no grace
		c.end(killed, wire.End{Reason: wire.CallerLeft})
		c.vanish()
	case talk.Stopped:
		c.signal(unix.SIGSTOP)
		c.setStopped(true)
	case talk.Continued:
		c.setStopped(false)
		c.signal(unix.SIGCONT)
	}
	return nil
}

func (c *call) setStopped(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = yes
}

func (c *call) ended() bool           { return c.HasEnded() }
func (c *call) done() <-chan struct{} { return c.finished }

// keeps reports whether the caller may send another first frame afterwards.
func (c *call) keeps() bool { return c.Flags&wire.CallKeep != 0 }
