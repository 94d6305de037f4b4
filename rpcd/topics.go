package rpcd

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"rpcd/internal/printable"
	"rpcd/rpcd/lookup"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/topic"
	"rpcd/rpcd/wire"
)

// publish serves PUBLISH.
func (c *conn) publish(f *firstFrame) (wire.Header, error) {
	return c.member(f, true, func(m topic.Member, id string, first *wire.Topic, p topic.Policy) ([]byte, error) {
		return c.server.topics.Publish(m, id, first, p, c.br)
	})
}

// subscribe serves SUBSCRIBE.
func (c *conn) subscribe(f *firstFrame) (wire.Header, error) {
	return c.member(f, false, func(m topic.Member, id string, first *wire.Topic, p topic.Policy) ([]byte, error) {
		return nil, c.server.topics.Subscribe(m, id, first.Name, p, c.br)
	})
}

// member makes the caller a publisher or subscriber until its connection ends. serve
// gives the last frame to write.
func (c *conn) member(f *firstFrame, publish bool, serve func(topic.Member, string, *wire.Topic, topic.Policy) ([]byte, error)) (wire.Header, error) {
	m, err := wire.ParseTopic(f.payload)
	bridged := f.arrived == 0
	f.close()
	var policy topic.Policy
	if err == nil {
		policy, err = c.topic(m.Name, publish)
	}
	if err != nil {
		return f.Header, c.refuse(err)
	}
	if !c.seat.StartCall() { // the caller was turned away
		return f.Header, os.ErrClosed
	}
	c.talk.BeginCall()
	id := strconv.FormatUint(c.server.lastID.Add(1), 10)
	as := "subscriber"
	c.mayHold = 0
	if publish {
		as = "publisher"
		c.mayHold = wire.MaxRings
	} else {
		c.fd.EnlargeSendBuffer()
	}
	c.fd.IgnoreRoom()
	if bridged {
		c.talk.BeginHeartbeats(m.Heartbeat)
	}
	words := []any{"topic", m.Name, "as", as, "id", id, "uid", c.caller.UID}
	c.server.Log.Info("topic: begins", append(words, "gid", c.caller.GID, "label", printable.Escaped(m.Label))...)
	last, err := serve(c.asMember(m, id, bridged), id, m, policy)
	if err != nil && err != io.EOF {
		words = append(words, "error", err)
	}
	c.server.Log.Info("topic: ends", words...)
	if errors.Is(err, topic.ErrTooMany) || errors.Is(err, topic.ErrClosed) {
		return f.Header, c.refuse(err) // if it hasn't been told yet
	} else if err != nil {
		return f.Header, err
	}
	c.seat.MarkAnswered()
	c.talk.Rest(closeWait)
	if last != nil && c.talk.WriteFrame(last) == nil {
		c.talk.Linger(c.br, closeWait)
	}
	return f.Header, io.EOF
}

// asMember is the connection as a topic sees it.
func (c *conn) asMember(m *wire.Topic, id string, bridged bool) topic.Member {
	waits := &wire.Started{Flags: wire.AcceptedWaits, ID: id}
	if bridged {
		waits.Flags |= wire.StartedBridged
	}
	return topic.Member{
		Conn: c.talk, TrySend: c.fd.TrySend, UID: c.caller.UID, HangUp: c.fd.HangUp, File: c.fd.TakeFirst, Bridged: bridged,
		Refuse: func(err error) { c.fd.SendAndHangUp(refusal.Of(err).Append()) },
		Waits: func(text string) {
			waits.Text = text
			_ = c.talk.WriteFrame(waits.Append(wire.TypeAccepted))
			c.talk.BeginSigns(m.Heartbeat)
		},
		Begins: c.talk.EndSigns,
	}
}

// topic looks a topic up.
func (c *conn) topic(name string, publish bool) (topic.Policy, error) {
	if c.denied != nil {
		return topic.Policy{}, c.denied
	}
	if c.server.isDraining() {
		return topic.Policy{}, refusal.Draining
	}
	ctx, cancel := context.WithTimeout(context.Background(), wire.FirstTimeout)
	defer cancel()
	return lookup.Topic(ctx, c.server.Source, c.server.lookups, name, c.caller, publish)
}
