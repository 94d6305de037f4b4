package batch

import (
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
)

// calls are those that are being made. The zero value has none.
type calls struct {
	mu       sync.Mutex
	now      map[*client.Cmd]struct{}
	canceled bool
	lost     chan struct{} // closed when those that were told to end had their time
}

// add takes a call that is about to start, unless calls are being ended.
func (c *calls) add(cmd *client.Cmd) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		c.now = map[*client.Cmd]struct{}{}
	}
	if !c.canceled {
		c.now[cmd] = struct{}{}
	}
	return !c.canceled
}

func (c *calls) remove(cmd *client.Cmd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.now, cmd)
}

// started ends a call that cancel came too early for.
func (c *calls) started(cmd *client.Cmd) {
	if c.isCanceled() {
		_ = cmd.Signal(unix.SIGTERM)
	}
}

func (c *calls) isCanceled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.canceled
}

// hopeless is closed when calls that were told to end had the time for it.
func (c *calls) hopeless() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = make(chan struct{})
	}
	return c.lost
}

// cancel ends all calls: TERM, and KILL after the grace.
func (c *calls) cancel() {
	lost := c.hopeless()
	c.mu.Lock()
	first := !c.canceled
	c.canceled = true
	c.mu.Unlock()
	if !first {
		return
	}
	c.signal(unix.SIGTERM)
	time.AfterFunc(cancelGrace, func() {
		c.signal(unix.SIGKILL)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.lost == lost {
			close(c.lost)
		}
	})
}

// signal signals all calls, side by side: each may have to wait for its worker.
func (c *calls) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cmd := range c.now {
		go func() { _ = cmd.Signal(sig) }()
	}
}
