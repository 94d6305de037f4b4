package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client/replica"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// readRoom is how many bytes a publisher or subscriber reads at once: a RECORDS frame.
const readRoom = wire.MaxData + wire.HeaderLen

// member is a connection of a publisher or subscriber.
type member struct {
	worker, topic string
	conn          *replica.Connection
	br            *bufio.Reader
	byValue       bool
	state         *wire.TopicState // as it joined
	heartbeat     time.Duration
	held          int // bytes of br that the last frame takes
}

// drops says whether the topic's policy drops records.
func (m *member) drops() bool { return strings.HasPrefix(m.state.Policy, "drop-") }

// join makes a publisher or subscriber: first is PUBLISH or SUBSCRIBE.
func join(ctx context.Context, worker, topic string, first wire.Type, o TopicOptions) (*member, error) {
	deadline := time.Now().Add(o.RetryFor)
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		m, err := joinOnce(ctx, worker, topic, first, o)
		left := time.Until(deadline)
		if err == nil || !Retryable(err) || left <= 0 {
			return m, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}

// joinOnce joins the topic at the first replica, by name, that answers: publishers and
// subscribers of one topic have to meet.
func joinOnce(ctx context.Context, worker, topic string, first wire.Type, o TopicOptions) (*member, error) {
	sockets, err := replica.Sockets(worker)
	if err != nil {
		return nil, ofReplica(err)
	}
	for _, socket := range sockets {
		var conn *replica.Connection
		if conn, err = replica.Connect(ctx, worker, socket); err != nil {
			err = ofReplica(err)
			continue
		}
		m := &member{worker: worker, topic: topic, conn: conn, br: bufio.NewReaderSize(conn, readRoom), heartbeat: o.Heartbeat}
		if err = m.begin(ctx, first, o); err != nil {
			conn.Close()
			return nil, err
		}
		conn.FD.IgnoreRoom()
		return m, nil
	}
	return nil, err
}

// begin sends the first frame and waits for its answer.
func (m *member) begin(ctx context.Context, first wire.Type, o TopicOptions) error {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(ErrFailed, m.worker, false, err, "cannot open %q: %v", os.DevNull, err)
	}
	defer unix.Close(null)
	probe := []int{null}
	if o.ByValue {
		probe = nil
	}
	if first == wire.TypeSubscribe {
		m.conn.FD.Receive(1)
	}
	m.conn.ExpectFirst()
	defer context.AfterFunc(ctx, func() { m.conn.Abort() })()
	ask := wire.Topic{Name: m.topic, Label: o.Label, Subscribers: uint32(o.Subscribers), Heartbeat: o.Heartbeat}
	if err := m.conn.WriteDescriptors(ask.Append(first), probe); err != nil && !talk.Gone(err) {
		return m.lost(err)
	}
	for {
		h, payload, err := m.frame()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return m.lost(err)
		}
		switch h.Type {
		case wire.TypeAccepted: // it waits for subscribers
			m.conn.BeginCall()
			if h.Flags&wire.StartedBridged != 0 {
				m.conn.BeginHeartbeats(m.heartbeat)
			}
			m.conn.BoundSilence(wire.HeartbeatOf(m.heartbeat))
		case wire.TypePublished, wire.TypeSubscribed:
			if m.state, err = wire.ParseTopicState(h.Flags, payload); err != nil {
				return m.lost(err)
			}
			m.conn.BeginCall()
			m.conn.BoundSilence(0)
			m.byValue = m.state.Flags&wire.TopicBridged != 0
			if m.byValue {
				m.conn.BeginHeartbeats(m.heartbeat)
			}
			return nil
		default:
			return m.lost(fmt.Errorf("%w: a %v frame as an answer", wire.ErrProtocol, h.Type))
		}
	}
}

// frame reads the next frame but HEARTBEAT. The payload is valid until the next call.
// REFUSED is an error.
func (m *member) frame() (wire.Header, []byte, error) {
	for {
		h, payload, err := m.anyFrame()
		switch {
		case err != nil:
			return h, nil, err
		case h.Type == wire.TypeHeartbeat:
		case h.Type == wire.TypeRefused:
			refused, err := wire.ParseRefused(payload)
			if err == nil {
				err = refused
			}
			return h, nil, err
		default:
			return h, payload, nil
		}
	}
}

// anyFrame reads the next frame, in br's memory.
func (m *member) anyFrame() (wire.Header, []byte, error) {
	_, _ = m.br.Discard(m.held)
	m.held = 0
	b, err := m.br.Peek(wire.HeaderLen)
	if err != nil {
		return wire.Header{}, nil, cutOff(b, err)
	}
	h, err := wire.ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	if h.Length > wire.MaxData {
		return h, nil, fmt.Errorf("%w: a %v frame", wire.ErrProtocol, h.Type)
	}
	if b, err = m.br.Peek(wire.HeaderLen + int(h.Length)); err != nil {
		return h, nil, cutOff(b, err)
	}
	m.held = len(b)
	return h, b[wire.HeaderLen:], nil
}

// cutOff makes the end of a connection in the middle of a frame one.
func cutOff(b []byte, err error) error {
	if err == io.EOF && len(b) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// hasRecords says whether a frame with records has come that wasn't read yet. It takes
// HEARTBEATs that have come before.
func (m *member) hasRecords() bool {
	_, _ = m.br.Discard(m.held)
	m.held = 0
	for m.br.Buffered() >= wire.HeaderLen {
		b, _ := m.br.Peek(wire.HeaderLen)
		h, err := wire.ParseHeader(b)
		switch {
		case err != nil:
			return false
		case h.Type == wire.TypeHeartbeat:
			_, _ = m.br.Discard(wire.HeaderLen)
			continue
		}
		whole := m.br.Buffered() >= wire.HeaderLen+int(h.Length)
		return whole && (h.Type == wire.TypeRecords || h.Type == wire.TypeNotices)
	}
	return false
}

// lost makes an error for people of one of the connection. Before the answer nothing
// has begun.
func (m *member) lost(err error) error {
	began := m.state != nil
	var refused *wire.Refused
	var ours *Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &refused) && !began:
		return fail(refusals[refused.Code], m.worker, false, refused, "%s %v", m.worker, refused)
	case errors.As(err, &refused):
		return fail(ErrLost, m.worker, true, refused, "%s ended topic %q: it %v", m.worker, m.topic, refused)
	case errors.Is(err, wire.ErrProtocol):
		return fail(ErrProtocol, m.worker, began, err, "%s doesn't speak rpc's protocol: %v (is %q an rpcd's socket?)", m.worker, err, m.conn.Path)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(ErrLost, m.worker, began, err, "%s says nothing (is it frozen, or the bridge cut?)", m.worker)
	case !began && (errors.Is(err, io.EOF) || talk.Gone(err)):
		return ofReplica(m.conn.Ended(m.worker, false, wire.FirstTimeout, err))
	}
	return fail(ErrLost, m.worker, began, err, "lost the connection to %s at topic %q (did rpcd or the bridge end?)", m.worker, m.topic)
}
