package talk

import (
	"io"

	"rpcd/rpcd/wire"
)

// Over ends the call, once: its streams fail with err (nil: io.EOF), and nothing
// is sent for it any more. Its time limit goes on until EndBounds. The connection is closed, unless the call asked to
// keep it and is whole: it has had its EXIT or REFUSED. Then the connection
// rests, without a bound, and Over gives true: the next call may have it.
func (c *Caller) Over(err error, whole bool) (kept bool) {
	c.overOnce.Do(func() {
		quiet := c.end()
		inTime := !c.IsLate() // else the connection is closed; from now on Leave does nothing
		close(c.done)
		if err == nil {
			err = io.EOF
		}
		c.Relay.Abort(err)
		if kept = whole && inTime && quiet && c.Call.Flags&wire.CallKeep != 0; kept {
			c.conn.Rest(0)
		} else {
			c.conn.Close()
		}
	})
	return kept
}

// end enters over, and reports whether no frame is being written. Such a frame
// would come after the next CALL.
func (c *Caller) end() (quiet bool) {
	c.enter(over)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writing == 0 && !c.silent
}

// write sends a frame after CALL. Once the call is over it sends nothing: on a
// kept connection the frame would belong to the next call.
func (c *Caller) write(frame []byte) error {
	c.mu.Lock()
	if c.state == over {
		c.mu.Unlock()
		return ErrNotRunning
	}
	c.writing++
	c.mu.Unlock()
	err := c.conn.WriteFrame(frame)
	c.mu.Lock()
	c.writing--
	c.mu.Unlock()
	return err
}

// Leave closes the connection of a call that isn't over. The worker then ends the
// call, and a goroutine that waits for a frame gets an error. After the call
// Leave does nothing, since the connection may belong to another call.
func (c *Caller) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != over {
		c.conn.Close()
	}
}

// Done is closed when the call is over.
func (c *Caller) Done() <-chan struct{} { return c.done }
