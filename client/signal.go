package client

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// ErrNotRunning says that there is no call to signal.
var ErrNotRunning = os.ErrProcessDone

// Signal sends sig (1-31) to the procedure's process group. While the call
// waits in the queue it cancels the call. The error is ErrNotRunning before
// the call was sent and after its end.
func (c *Cmd) Signal(sig syscall.Signal) error { return c.signal(sig, false) }

// Kill sends SIGKILL.
func (c *Cmd) Kill() error { return c.Signal(syscall.SIGKILL) }

// Abandon says that the caller leaves now: the group is killed without grace.
func (c *Cmd) Abandon(sig syscall.Signal) error { return c.signal(sig, true) }

func (c *Cmd) signal(sig syscall.Signal, abandon bool) error {
	if err := checkSignal(sig); err != nil {
		return err
	}
	return c.tell(func(k *call) error { return k.Signal(sig, abandon) })
}

// checkSignal refuses what a worker would close the connection for.
func checkSignal(sig syscall.Signal) error {
	if sig < 1 || sig > wire.MaxSignal {
		return fmt.Errorf("client: cannot send signal %d: it is 1 to %d", int(sig), wire.MaxSignal)
	}
	return nil
}

// Stopped says that this process is about to stop: the group stops, and
// silence means nothing until Continued.
func (c *Cmd) Stopped() error { return c.tell((*call).Stopped) }

// Continued ends Stopped.
func (c *Cmd) Continued() error { return c.tell((*call).Continued) }

// tell says something to the call that is being made, if any.
func (c *Cmd) tell(say func(*call) error) error {
	k := c.current()
	if k == nil {
		return ErrNotRunning
	}
	err := say(k)
	if errors.Is(err, talk.ErrNotRunning) {
		return ErrNotRunning
	}
	return err
}
