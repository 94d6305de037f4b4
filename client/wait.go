package client

import (
	"errors"

	"rpcd/rpcd/wire"
)

// Wait waits for the end of the call and of the copying to Stdout and Stderr.
// It returns nil for status 0, *ExitError for another end of the procedure,
// *Error when the call failed.
func (c *Cmd) Wait() error {
	switch {
	case !c.started:
		return errors.New("client: not started")
	case c.startFailed != nil:
		return c.startFailed
	case c.finished:
		return errors.New("client: Wait was already called")
	}
	c.finished = true
	k := c.current()
	exit, err := k.wait()
	if c.stopWatching != nil {
		close(c.stopWatching)
	}
	copyErr := c.awaitCopiers()
	c.closeParentPipes()
	if exit != nil {
		c.ProcessState = &ProcessState{*exit, c.Worker, c.Procedure, k.ran}
	}
	if c.ctx != nil && c.ctx.Err() != nil && (err != nil || !c.ProcessState.Success()) {
		return c.ctx.Err()
	}
	switch {
	case err != nil:
		return err
	case c.ProcessState.Reason() == ReasonCrash:
		return c.crashed(exit)
	case c.ProcessState.TimedOut():
		e := fail(ErrTimeout, c.Worker, true, nil, "%s", c.ProcessState.Explain())
		e.Reason = c.ProcessState.Reason()
		return e
	case !c.ProcessState.Success():
		return &ExitError{ProcessState: c.ProcessState}
	}
	return copyErr
}

// crashed is the error of a call whose resident worker broke off: the call may have
// done anything, and has no status.
func (c *Cmd) crashed(exit *wire.Exit) error {
	c.ProcessState = nil
	text := exit.Text
	if text == "" {
		text = "lost its resident worker in the middle of the call"
	}
	e := fail(ErrLost, c.Worker, true, nil, "%s %s", c.Worker, text)
	e.Reason = ReasonCrash
	return e
}

func (c *Cmd) closeParentPipes() {
	for _, p := range c.parentPipes {
		p.Close()
	}
	c.parentPipes = nil
}
