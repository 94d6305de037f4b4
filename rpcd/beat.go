package rpcd

import (
	"time"

	"rpcd/rpcd/wire"
)

// setBridged says that no descriptor arrived.
func (c *call) setBridged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bridged = true
}

func (c *call) isBridged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bridged
}

// beat begins the heartbeats of a bridged call, once; they end with it.
func (c *call) beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.bridged || c.beating {
		return
	}
	c.beating = true
	interval := wire.HeartbeatOf(c.Heartbeat)
	if !c.quiet {
		c.conn.fd.SetIdle(interval)
	}
	go func() {
		tick := time.NewTicker(interval / 3)
		defer tick.Stop()
		for {
			select {
			case <-c.done:
				return
			case <-c.left:
				return
			case <-tick.C:
			}
			if !c.isQuiet() {
				_ = c.conn.fd.WriteFrame(wire.Frame(wire.TypeHeartbeat, 0, 0, nil))
			}
		}
	}()
}

// silent says whether the caller is stopped and will say nothing.
func (c *call) silent(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parted {
		return
	}
	c.quiet = yes
	switch {
	case yes:
		c.conn.fd.SetIdle(0)
	case c.beating:
		c.conn.fd.SetIdle(wire.HeartbeatOf(c.Heartbeat))
	}
}

func (c *call) isQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet
}
