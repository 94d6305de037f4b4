package client

import (
	"context"
	"errors"
	"os"
	"time"
)

// Start makes the call and returns when the procedure runs. An error says that
// the procedure doesn't run. Where it is an *Error, its Started says whether the
// procedure might have run.
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
			if c.sent != nil {
				c.sent.Conn.Close()
			}
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
	if err := c.connect(ctx, std); err != nil {
		return err
	}
	c.startCopiers()
	c.watch(ctx)
	return nil
}

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
				c.current().Leave()
			}
		}
	}()
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
