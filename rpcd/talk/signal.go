package talk

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Signal sends SIGNAL. The process group of a call that runs gets the signal. A
// call that waits is cancelled. abandon says that the caller leaves now, so that
// the worker kills without grace. Before CALL was sent and after the end the error
// is ErrNotRunning.
//
// A signal that ends the call needs its worker: see ErrUnanswered.
func (c *Caller) Signal(sig syscall.Signal, abandon bool) error {
	var flags uint16
	if abandon {
		flags = wire.SignalAbandon
	}
	ends := false
	switch sig {
	case unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGKILL:
		ends = true
		c.mu.Lock()
		c.toldToEnd = c.toldToEnd || c.state != over // before the frame leaves: a refusal may cross it
		c.mu.Unlock()
	}
	frame := wire.Signal(uint8(sig), flags)
	if ends && !abandon && c.expectSign() {
		frame = append(frame, askForSign()...)
	}
	err := c.tell(frame)
	if ends {
		c.boundAnswer(err)
	}
	return err
}

// SignWait is how long the worker of a direct call that runs may be silent after a
// signal that ends the call.
const SignWait = 5 * time.Second

// askForSign is a HEARTBEAT that asks for one.
func askForSign() []byte { return wire.Frame(wire.TypeHeartbeat, 0, wire.FlagAnswer, nil) }

// expectSign bounds the worker's silence, and reports whether a signal has to ask for a
// sign of life. A call that doesn't run is to be answered anyway, and a bridged one has
// its heartbeats.
func (c *Caller) expectSign() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != running || c.conn.Silence() != 0 {
		return false
	}
	c.asked.Store(true)
	c.conn.BoundSilence(SignWait)
	return true
}

// AskSign ends a direct call that runs if its worker says nothing for SignWait.
func (c *Caller) AskSign() {
	if c.expectSign() {
		c.queue(&told{frame: askForSign(), done: make(chan struct{})})
	}
}

// Resize sends WINDOW: the size of the procedure's terminal.
func (c *Caller) Resize(w wire.Window) error { return c.tell(w.Append()) }

// Stopped says that this process is about to stop: the group stops, and silence
// means nothing until Continued.
func (c *Caller) Stopped() error {
	c.pause(true)
	return c.proceed(wire.TypeStopped)
}

// Continued ends Stopped.
func (c *Caller) Continued() error {
	c.pause(false)
	return c.proceed(wire.TypeContinued)
}

// proceed sends STOPPED or CONTINUED. Each lets the worker start a call that it
// holds.
func (c *Caller) proceed(t wire.Type) error {
	c.released.Add(1)
	err := c.tell(wire.Frame(t, 0, 0, nil))
	if err != nil && err != ErrUntaken { // so short a frame leaves whole or not at all; ErrUntaken: it may still leave
		c.released.Add(-1)
	}
	return err
}

// pause is for a call that isn't over: a kept connection belongs to the next one.
func (c *Caller) pause(stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != over {
		c.conn.Pause(stopped)
	}
}

// ErrUntaken is the error of a frame that the worker doesn't take within CancelWait. It
// leaves when the worker takes it.
var ErrUntaken = fmt.Errorf("the worker takes nothing: %w", os.ErrDeadlineExceeded)

// told is a frame of tell.
type told struct {
	frame []byte
	done  chan struct{} // closed: it was written, or err says why not
	err   error
}

// maxUntold bounds the frames that wait for a worker that takes nothing.
const maxUntold = 32

// tell sends a frame after CALL, behind those of the calls of tell before. If CALL is
// still being written, it waits, since the procedure may run before its caller knows
// that CALL has left. A worker that takes no CALL within CancelWait has no call to
// signal. It waits for CancelWait in all.
func (c *Caller) tell(frame []byte) error {
	limit := time.NewTimer(CancelWait)
	defer limit.Stop()
	select {
	case <-c.sent:
	case <-c.done:
	case <-limit.C:
		return ErrNotRunning
	}
	t := &told{frame: frame, done: make(chan struct{})}
	if !c.queue(t) {
		return ErrUntaken
	}
	select {
	case <-t.done:
		return t.err
	case <-limit.C:
		return ErrUntaken
	}
}

// queue lets a frame be sent behind the others, unless there are too many.
func (c *Caller) queue(t *told) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.untold) == maxUntold {
		return false
	}
	if c.untold = append(c.untold, t); len(c.untold) == 1 {
		go c.sendUntold(t)
	}
	return true
}

// sendUntold sends t, which is the first of those that wait, and the others.
func (c *Caller) sendUntold(t *told) {
	for t != nil {
		t.err = c.Relay.Write(t.frame)
		close(t.done)
		t = c.nextUntold()
	}
}

// nextUntold drops the first frame that waits, and gives the next one or nil.
func (c *Caller) nextUntold() *told {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.untold = c.untold[1:]; len(c.untold) == 0 {
		c.untold = nil
		return nil
	}
	return c.untold[0]
}

// boundAnswer ends a call when its worker doesn't take a signal (told is what tell
// said), or doesn't answer it within CancelWait if the call doesn't run.
func (c *Caller) boundAnswer(told error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == over:
	case told == ErrUntaken:
		c.silent = true
		c.conn.Close()
	case c.state == running || c.cancel != nil:
	default:
		c.cancel = time.AfterFunc(CancelWait, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.state < running {
				c.silent = true
				c.conn.Close()
			}
		})
	}
}
