package client

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"rpcd/rpcd/wire"
)

// Start makes the call and returns when the procedure runs. An error says that
// it doesn't, and *Error's Started whether it might have.
func (c *Cmd) Start() (err error) {
	if c.started {
		return errors.New("client: already started")
	}
	c.started = true
	defer func() {
		closeFiles(c.childFiles)
		c.childFiles = nil
		if err != nil {
			c.startFailed = err
			c.closeParentPipes()
		}
	}()
	ctx := c.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	std, err := c.stdio()
	if err != nil {
		return err
	}
	defer std.close()
	msg, err := c.message(std)
	if err != nil {
		return err
	}
	if err := c.connect(ctx, msg, std); err != nil {
		return err
	}
	c.startCopiers()
	c.watch(ctx)
	return nil
}

// message builds the call's first frame.
func (c *Cmd) message(std *stdio) (*wire.Call, error) {
	if c.Procedure == "" {
		return nil, fail(ErrUsage, c.Worker, false, nil, "no procedure named")
	}
	env := crossing(c.Env)
	size := 0
	for _, list := range [][]string{{c.Procedure, c.Label, c.Dir}, c.Args, env} {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return nil, fail(ErrUsage, c.Worker, false, nil, "cannot send %.50q: a NUL byte ends an argument, a name or a variable", s)
			}
			size += len(s) + 6
		}
	}
	for _, e := range env {
		if strings.HasPrefix(e, "=") {
			return nil, fail(ErrUsage, c.Worker, false, nil, "cannot send the variable %.50q: it has no name", e)
		}
	}
	if size > maxArguments {
		return nil, fail(ErrTooLong, c.Worker, false, nil, "cannot call %s: argument list too long (%d bytes; the kernel's limit is about 2 MiB, and 131071 bytes an argument: send more by stdin or by a file)", c.Worker, size)
	}
	if len(c.Label) > wire.MaxLabel {
		return nil, fail(ErrUsage, c.Worker, false, nil, "cannot send a label of %d bytes (at most %d)", len(c.Label), wire.MaxLabel)
	}
	mask := c.Umask
	if mask == nil {
		m := umask()
		mask = &m
	}
	return &wire.Call{
		Procedure: c.Procedure,
		Args:      c.Args,
		Env:       env,
		Dir:       directory(c.Dir),
		Umask:     *mask,
		Label:     c.Label,
		Streams:   std.streams,
		Timeout:   c.Timeout,
		Heartbeat: c.Heartbeat,
	}, nil
}

// maxArguments is above what a kernel takes (execve(2): 6 MiB at most) and
// below what a frame takes.
const maxArguments = 7 << 20

// watch calls Cancel when the context ends.
func (c *Cmd) watch(ctx context.Context) {
	if ctx.Done() == nil {
		return
	}
	c.stopWatching = make(chan struct{})
	go func() {
		select {
		case <-c.stopWatching:
			return
		case <-ctx.Done():
		}
		cancel := c.Cancel
		if cancel == nil {
			cancel = c.Kill
		}
		_ = cancel()
		if c.WaitDelay > 0 {
			select {
			case <-c.stopWatching:
			case <-time.After(c.WaitDelay):
				c.current().close()
			}
		}
	}()
}

// startCopiers begins what goes between pipes and the caller's readers and
// writers.
func (c *Cmd) startCopiers() {
	c.copyErrors = make(chan error, len(c.copiers))
	for _, f := range c.copiers {
		go func() { c.copyErrors <- f() }()
	}
}

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
		c.ProcessState = &ProcessState{*exit}
	}
	if c.ctx != nil && c.ctx.Err() != nil && (err != nil || !c.ProcessState.Success()) {
		return c.ctx.Err()
	}
	switch {
	case err != nil:
		return err
	case c.ProcessState.TimedOut():
		return fail(ErrTimeout, c.Worker, true, nil, "%s: the time limit ended %q", c.Worker, c.Procedure)
	case !c.ProcessState.Success():
		return &ExitError{ProcessState: c.ProcessState}
	}
	return copyErr
}

func (c *Cmd) awaitCopiers() error {
	var first error
	var limit <-chan time.Time
	if c.WaitDelay > 0 {
		timer := time.NewTimer(c.WaitDelay)
		defer timer.Stop()
		limit = timer.C
	}
	for range c.copiers {
		select {
		case err := <-c.copyErrors:
			if first == nil {
				first = err
			}
		case <-limit:
			closeFiles(c.sources)
			return ErrWaitDelay
		}
	}
	return first
}

// ErrWaitDelay is Wait's error when the call succeeded but WaitDelay ran out
// before its pipes were closed: exec.ErrWaitDelay.
var ErrWaitDelay = errors.New("client: WaitDelay expired before I/O complete")

func (c *Cmd) closeParentPipes() {
	for _, p := range c.parentPipes {
		p.Close()
	}
	c.parentPipes = nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
