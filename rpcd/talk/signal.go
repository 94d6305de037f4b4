package talk

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Signal sends SIGNAL. The process group of a call that runs gets the signal. A
// call that waits is cancelled. abandon says that the caller leaves now, so that
// the worker kills without grace. Before CALL was sent and after the end the error
// is ErrNotRunning.
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
	err := c.tell(wire.Signal(uint8(sig), flags))
	if ends {
		c.boundAnswer()
	}
	return err
}

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
	if err != nil { // so short a frame leaves whole or not at all
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

// tell sends a frame after CALL. If CALL is still being written, it waits, since
// the procedure may run before its caller knows that CALL has left. A worker that
// takes no CALL within CancelWait has no call to signal.
func (c *Caller) tell(frame []byte) error {
	select {
	case <-c.sent:
	case <-c.done:
	case <-time.After(CancelWait):
		return ErrNotRunning
	}
	return c.Relay.Write(frame)
}

// boundAnswer ends a call that doesn't run, when its worker doesn't answer a
// signal within CancelWait.
func (c *Caller) boundAnswer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state >= running || c.cancel != nil {
		return
	}
	c.cancel = time.AfterFunc(CancelWait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.state < running {
			c.silent = true
			c.conn.Close()
		}
	})
}
