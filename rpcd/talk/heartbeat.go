package talk

import (
	"time"

	"rpcd/rpcd/wire"
)

// beatsPerInterval is how often HEARTBEAT is sent in the time after which
// silence counts as the end (PROTOCOL.md, section 5): two may be late.
const beatsPerInterval = 3

// heartbeat is a HEARTBEAT that asks for nothing.
func heartbeat() []byte { return wire.Frame(wire.TypeHeartbeat, 0, 0, nil) }

// BeginHeartbeats sends HEARTBEAT from now on. It ends the connection if no bytes
// arrive for the interval that the caller asked for (0: the default). Only a
// bridged call needs that both ways, since a direct connection ends with its
// process. More calls of BeginHeartbeats change nothing until the next Rest.
func (c *Conn) BeginHeartbeats(asked time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quit != nil || c.phase != phaseCall {
		return
	}
	c.endSigns()
	c.quit = make(chan struct{})
	c.setSilence(wire.HeartbeatOf(asked))
	go c.sendHeartbeats(c.silence, c.quit)
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
		if c.WriteFrame(heartbeat()) != nil {
			return // the reading goroutine sees the end, too
		}
	}
}

// BeginSigns sends signs of life to the caller of a direct call that waits, until
// EndSigns or the next Rest: HEARTBEAT, at the pace of the interval that the caller
// asked for, and if the caller has read all before. Nothing is expected from the
// caller.
func (c *Conn) BeginSigns(asked time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signs != nil || c.quit != nil || c.phase != phaseCall {
		return
	}
	pace := wire.HeartbeatOf(asked) / beatsPerInterval
	var signs *time.Timer
	signs = time.AfterFunc(pace, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.signs != signs {
			return
		}
		if !c.paused {
			c.WriteIfRead(heartbeat())
		}
		signs.Reset(pace)
	})
	c.signs = signs
}

// EndSigns ends the signs of BeginSigns: the call runs or is over.
func (c *Conn) EndSigns() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endSigns()
}

// endSigns is EndSigns; c.mu is held.
func (c *Conn) endSigns() {
	if c.signs != nil {
		c.signs.Stop()
		c.signs = nil
	}
}

// BoundSilence makes a read of a direct call fail when the other side is silent for
// d from now on; 0: it may be silent. A bridged call keeps the bound of its
// heartbeats.
func (c *Conn) BoundSilence(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quit == nil && c.phase == phaseCall && c.silence != d {
		c.setSilence(d)
	}
}

// setSilence sets the bound of silence; c.mu is held.
func (c *Conn) setSilence(d time.Duration) {
	c.silence = d
	if !c.paused {
		c.SetIdle(d)
	}
}

// Silence is the bound of silence, 0 if there is none.
func (c *Conn) Silence() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silence
}

// listenAgain reports whether a read of a direct call may have failed because this
// process stood still itself (SIGSTOP, a paused container): what the other side has
// sent meanwhile is read then. A frame that isn't there is waited for once more, a
// third as long.
func (c *Conn) listenAgain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != phaseCall || c.quit != nil || c.silence == 0 || c.paused {
		return false
	}
	c.SetIdle(c.silence / beatsPerInterval)
	return true
}

// resumeSilence ends listenAgain.
func (c *Conn) resumeSilence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == phaseCall && !c.paused {
		c.SetIdle(c.silence)
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
	case c.silence > 0:
		c.SetIdle(c.silence)
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
	c.endSigns()
	c.quit, c.silence, c.paused = nil, 0, false
}
