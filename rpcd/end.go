package rpcd

import (
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ending is how far the end of a call's process has been brought about. It
// only grows.
type ending int

const (
	untouched ending = iota
	termed           // TERM and CONT sent, the grace runs
	killed           // KILL sent
)

// adopt makes p the target of signals and of ends, also of those that came
// before it. limit is how long it may run; 0: for ever.
func (c *call) adopt(p process, limit time.Duration) {
	c.mu.Lock()
	c.process = p
	for _, sig := range c.pending {
		p.Signal(sig)
	}
	due := c.ending
	c.ending = untouched
	if limit > 0 {
		c.timers = append(c.timers, time.AfterFunc(limit, func() {
			c.mu.Lock()
			c.timedOut = c.process != nil
			c.mu.Unlock()
			c.end(termed)
		}))
	}
	c.mu.Unlock()
	c.end(due)
}

// end brings the process's end about: termed with the grace, killed at once.
func (c *call) end(how ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if how <= c.ending {
		return
	}
	c.ending = how
	if c.process == nil {
		return // adopt will see it
	}
	if how == killed {
		c.deadline = time.Now()
		c.process.Signal(unix.SIGKILL)
		return
	}
	grace := c.conn.server.Grace
	c.deadline = time.Now().Add(grace)
	c.process.Signal(unix.SIGTERM)
	c.process.Signal(unix.SIGCONT)
	c.timers = append(c.timers, time.AfterFunc(grace, func() { c.end(killed) }))
}

// over says that the process has ended: signals and ends go nowhere from now
// on. It gives the end of the grace for what is left of the group, and whether
// a time limit ended it.
func (c *call) over() (deadline time.Time, timedOut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process, c.ended = nil, true
	for _, t := range c.timers {
		t.Stop()
	}
	if c.deadline.IsZero() {
		c.deadline = time.Now().Add(c.conn.server.Grace)
	}
	return c.deadline, c.timedOut
}

// maxPending bounds the signals that are kept for a process that is about to
// start.
const maxPending = 16

// signal sends sig to the group, or cancels a call that still waits. Of the
// stops and continuations of one that waits only the last counts.
func (c *call) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.process != nil:
		c.process.Signal(sig)
		return
	case c.ended:
		return
	}
	if stops(sig) {
		c.pending = slices.DeleteFunc(c.pending, stops)
	}
	if len(c.pending) < maxPending {
		c.pending = append(c.pending, sig)
	}
	if !stops(sig) && sig != unix.SIGWINCH {
		c.leave()
	}
}

func stops(sig syscall.Signal) bool { return sig == unix.SIGSTOP || sig == unix.SIGCONT }

// cut gives up the output and the status of a call that has ended: its caller
// doesn't take them, and is gone for us.
func (c *call) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended && !c.parted {
		c.conn.fd.Close()
	}
}

// vanish says that the caller is gone.
func (c *call) vanish() {
	c.leftOnce.Do(func() { close(c.left) })
	c.leave()
	c.relay.Abort(os.ErrClosed)
	c.end(termed)
}

// abandon says that the caller leaves and wants no grace.
func (c *call) abandon() {
	c.end(killed)
	c.vanish()
}

func (c *call) hasLeft() bool {
	select {
	case <-c.left:
		return true
	default:
		return false
	}
}
