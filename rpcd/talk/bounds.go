package talk

import (
	"errors"
	"time"

	"rpcd/rpcd/wire"
)

// bounds end a call with a time limit at the caller's side, whatever its worker says
// (PROTOCOL.md, section 5). The Caller's mutex guards them.
type bounds struct {
	wait    *time.Timer   // from ACCEPTED to STARTED
	queued  bool          // wait counts from an ACCEPTED with WAITING
	overdue bool          // wait ran out
	run     *time.Timer   // from STARTED on
	late    chan struct{} // closed: run ran out
}

func newBounds() bounds { return bounds{late: make(chan struct{})} }

const (
	// frozenWait is how long a worker may be silent after the time limit and the
	// grace. By then a worker that isn't frozen has ended the call.
	frozenWait = 2 * time.Second

	// startWait is how long a worker may take after the call's wait in the queue.
	startWait = wire.FirstTimeout

	// The most that is believed of what a worker says. A caller that leaves in the
	// grace loses a part of the output, since the status is 124 in any case.
	longestWait  = 24 * time.Hour
	longestGrace = time.Hour
	leastGrace   = 30 * time.Second // also of a short limit
)

// ErrLate is the end of a call that its worker didn't end in time.
var ErrLate = errors.New("the time limit wasn't kept")

// ErrNotStarted is the end of a call with a time limit that its worker didn't start in
// the time for which the call was to wait.
var ErrNotStarted = errors.New("the call wasn't started in time")

// believedGrace is the grace for which a caller with a time limit waits.
func believedGrace(limit, said time.Duration) time.Duration {
	return min(said, max(limit, leastGrace), longestGrace)
}

// believedWait is the time in the queue for which a caller with a time limit waits.
func believedWait(m *wire.Started) time.Duration {
	if m.Wait == 0 {
		return wire.DefaultWait
	}
	return min(m.Wait, longestWait)
}

// boundWait bounds the time from the first ACCEPTED, and anew from the first that
// says WAITING, to STARTED.
func (c *Caller) boundWait(m *wire.Started) {
	queued := m.Flags&wire.AcceptedWaits != 0
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.bounds
	if c.Call.Timeout <= 0 || c.state == over || b.wait != nil && (b.queued || !queued) {
		return
	}
	if b.wait != nil {
		b.wait.Stop()
	}
	b.queued = queued
	b.wait = time.AfterFunc(believedWait(m)+startWait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.state < running {
			b.overdue = true
			c.conn.Close()
		}
	})
}

// boundRun bounds the time from STARTED to the end, outputs included.
func (c *Caller) boundRun(grace time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.Call.Timeout + believedGrace(c.Call.Timeout, grace) + frozenWait
	if c.Call.Timeout <= 0 || limit < c.Call.Timeout || c.state == over { // it overflows: a limit of centuries is none
		return
	}
	if !c.started.IsZero() {
		limit -= time.Since(c.started)
	}
	c.bounds.run = time.AfterFunc(limit, func() {
		close(c.bounds.late)
		c.Leave()
	})
}

// EndBounds ends the caller's time limit: nothing of the call is awaited any more.
func (c *Caller) EndBounds() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range []*time.Timer{c.bounds.wait, c.bounds.run} {
		if t != nil {
			t.Stop()
		}
	}
}

// Late is closed when the time limit has run out, and the worker hasn't ended the call
// or its outputs aren't written yet. Not after EndBounds.
func (c *Caller) Late() <-chan struct{} { return c.bounds.late }

// IsLate reports whether Late is closed.
func (c *Caller) IsLate() bool {
	select {
	case <-c.bounds.late:
		return true
	default:
		return false
	}
}
