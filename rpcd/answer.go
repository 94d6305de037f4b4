package rpcd

import (
	"time"

	"rpcd/rpcd/wire"
)

// What a caller hears of its call: ACCEPTED, then STARTED or REFUSED.

// announce says what will be, and waits until the caller has heard it.
func (c *call) announce() error {
	c.accepted(0, "")
	timer := time.NewTimer(wire.FirstTimeout)
	defer timer.Stop()
	select {
	case <-c.heard:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	case <-timer.C:
		return &wire.Refused{Code: wire.Protocol, Text: "waited in vain for the answer to ACCEPTED"}
	}
}

// proceed says that the caller has heard ACCEPTED, or that it stops or runs again.
func (c *call) proceed() { c.heardOnce.Do(func() { close(c.heard) }) }

// accepted tells the caller that its call was understood.
func (c *call) accepted(flags uint16, text string) { c.accept(c.news(flags, text)) }

func (c *call) accept(m *wire.Started) {
	c.voice.Lock()
	defer c.voice.Unlock()
	if !c.told {
		c.beat()
		_ = c.conn.fd.WriteFrame(m.Append(wire.TypeAccepted))
	}
}

// tell sends STARTED or REFUSED.
func (c *call) tell(frame []byte) {
	c.voice.Lock()
	defer c.voice.Unlock()
	c.told = true
	_ = c.conn.fd.WriteFrame(frame)
}

// slowStart is after how long a caller without an answer hears that we live: it
// gives up after wire.FirstTimeout, and on a machine that is too busy to start
// what it is asked for it would come again.
const slowStart = wire.FirstTimeout / 4

// soothe does that, unless the caller waits for the ACCEPTED that it asked for.
func (c *call) soothe() {
	if c.Flags&wire.CallAnnounce != 0 {
		return
	}
	m := &wire.Started{ID: c.id, Grace: c.conn.server.Grace}
	if c.isBridged() {
		m.Flags |= wire.StartedBridged
	}
	c.accept(m)
}

func (c *call) news(flags uint16, text string) *wire.Started {
	if c.bridged {
		flags |= wire.StartedBridged
	}
	return &wire.Started{Flags: flags, ID: c.id, Dir: c.dir, Grace: c.conn.server.Grace, Text: text}
}

// isAnswered says whether its end is on the way: for the caller it is over.
func (c *call) isAnswered() bool {
	select {
	case <-c.answered:
		return true
	default:
		return false
	}
}

// refuse answers that nothing was started.
func (c *call) refuse(err error) {
	r := refusal(err)
	s := c.conn.server
	s.counters.refused.Add(1)
	close(c.answered)
	c.tell(r.Append())
	s.Log.Info("refused", "call", c.id, "uid", c.conn.caller.UID, "gid", c.conn.caller.GID, "procedure", printable(c.Procedure), "why", printable(r.Text))
}
