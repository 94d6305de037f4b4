package talk

import (
	"time"

	"rpcd/rpcd/wire"
)

// beatsPerInterval is how often HEARTBEAT is sent in the time after which
// silence counts as the end (PROTOCOL.md, section 5): two may be late.
const beatsPerInterval = 3

// BeginHeartbeats sends HEARTBEAT from now on. It ends the connection if no bytes
// arrive for the interval that the caller asked for (0: the default). Only a
// bridged call needs that, since a direct connection ends with its process. More
// calls of BeginHeartbeats change nothing until the next Rest.
func (c *Conn) BeginHeartbeats(asked time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quit != nil || c.phase != phaseCall {
		return
	}
	c.interval = wire.HeartbeatOf(asked)
	c.quit = make(chan struct{})
	if !c.paused {
		c.SetIdle(c.interval)
	}
	go c.sendHeartbeats(c.interval, c.quit)
}

func (c *Conn) sendHeartbeats(interval time.Duration, quit <-chan struct{}) {
	tick := time.NewTicker(interval / beatsPerInterval)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
		}
		if c.isPaused() {
			continue
		}
		if c.WriteFrame(wire.Frame(wire.TypeHeartbeat, 0, 0, nil)) != nil {
			return // the reading goroutine sees the end, too
		}
	}
}

// Pause says whether the caller is stopped (STOPPED, CONTINUED). A stopped caller
// may be silent for ever, and nothing is sent to it.
func (c *Conn) Pause(stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == phaseRest || c.phase == phaseAborted {
		return
	}
	c.paused = stopped
	switch {
	case c.phase == phaseFirst: // its bound holds for a stopped caller, too
	case stopped:
		c.SetIdle(0)
	case c.interval > 0:
		c.SetIdle(c.interval)
	}
}

func (c *Conn) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// endHeartbeats ends those of a call; c.mu is held.
func (c *Conn) endHeartbeats() {
	if c.quit != nil {
		close(c.quit)
	}
	c.quit, c.interval, c.paused = nil, 0, false
}
