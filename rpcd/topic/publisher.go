package topic

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// publisher is who sends a topic records. The topic's lock guards free, rings and
// living.
type publisher struct {
	topic *Topic
	Member
	id     string
	rings  []*ring
	living int // rings, those included that are retired and held
	free   []*slot
	wakes  chan struct{} // has room for one: free has some
	came   uint64

	// For who reads.
	last   time.Time // when records came last
	claims []claim   // room for them
}

var errSlot = fmt.Errorf("%w: a publisher wrote a slot that isn't free, or isn't there", wire.ErrProtocol)

// freed says that the publisher is to be told of a slot; the topic's lock is held.
func (p *publisher) freed(s *slot) {
	p.free = append(p.free, s)
	select {
	case p.wakes <- struct{}{}:
	default:
	}
}

// Publish serves a publisher until it has said its last word, or its connection ends.
// br reads the connection. The frame is the answer to its last word, for the caller to
// write.
func (h *Hub) Publish(m Member, id string, first *wire.Topic, policy Policy, br *bufio.Reader) ([]byte, error) {
	t, err := h.join(m.UID, first.Name, policy)
	if err != nil {
		return nil, err
	}
	p := &publisher{topic: t, Member: m, id: id, wakes: make(chan struct{}, 1)}
	t.publishers[p] = struct{}{}
	t.mu.Unlock()
	defer h.leave(t, m.UID)
	ctx, stop := context.WithCancel(context.Background())
	told := make(chan struct{})
	go func() {
		defer close(told)
		if p.welcome(ctx, int(first.Subscribers)) != nil || p.tell(ctx) != nil {
			m.HangUp()
		}
	}()
	err = p.read(ctx, br)
	if err != nil {
		m.Refuse(err)
	}
	end := p.leave()
	stop()
	<-told
	if err != nil {
		return nil, err
	}
	return end.Append(), nil
}

// welcome says PUBLISHED when so many subscribers are there, or the publisher has said
// its last word.
func (p *publisher) welcome(ctx context.Context, wanted int) error {
	t := p.topic
	t.mu.Lock()
	there := len(t.subscribers)
	t.mu.Unlock()
	if there < wanted {
		p.Waits(fmt.Sprintf("%d of %d subscribers of %q", there, wanted, t.Name))
	}
	var state *wire.TopicState
	err := t.await(ctx, func() bool {
		state = t.answer(p.id, p.Bridged)
		return len(t.subscribers) >= wanted
	})
	p.Begins()
	if err != nil && err != context.Canceled {
		return err
	}
	return p.Conn.WriteFrame(state.Append(wire.TypePublished))
}

// leave ends the publisher. With the last one subscribers are told.
func (p *publisher) leave() *wire.TopicEnd {
	t := p.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.publishers, p)
	for _, r := range p.rings {
		r.retire()
	}
	p.free = nil
	if len(t.publishers) == 0 {
		for s := range t.subscribers {
			s.ended = true
			s.wake()
		}
	}
	return &wire.TopicEnd{Next: t.next, Came: p.came, Subscribers: uint32(len(t.subscribers))}
}

// tell tells the publisher which slots are free.
func (p *publisher) tell(ctx context.Context) error {
	for {
		for part := range slices.Chunk(p.takeFree(), wire.MaxFreed) {
			if err := p.Conn.WriteFrame(wire.AppendFreed(nil, part)); err != nil {
				return err
			}
		}
		select {
		case <-p.wakes:
		case <-ctx.Done():
			return nil
		}
	}
}

// takeFree gives the slots that the publisher is about to be told of, and may write
// then.
func (p *publisher) takeFree() []wire.Slot {
	p.topic.mu.Lock()
	defer p.topic.mu.Unlock()
	list := make([]wire.Slot, len(p.free))
	for i, s := range p.free {
		s.owed = false
		list[i] = wire.Slot{Ring: s.ring.theirs, Index: s.index}
	}
	clear(p.free)
	p.free = p.free[:0]
	return list
}

// addRing takes a ring over, whose descriptor has come.
func (p *publisher) addRing(payload []byte) error {
	files := p.File()
	defer files.Close()
	m, err := wire.ParseTopic(payload)
	switch {
	case err != nil:
		return err
	case m.Ring == nil || m.Name != p.topic.Name || files.Len() != 1:
		return fmt.Errorf("%w: a further PUBLISH without a ring", wire.ErrProtocol)
	case p.Bridged:
		return fmt.Errorf("%w: a ring of a bridged publisher", wire.ErrProtocol)
	}
	fd, err := unix.FcntlInt(uintptr(files.At(0)), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot take a ring: %w", err)
	}
	if err := p.keepRing(fd, *m.Ring); err != nil {
		files.Add(fd)
		return err
	}
	return nil
}

// keepRing makes a ring of a descriptor, which stays the caller's with an error.
func (p *publisher) keepRing(fd int, m wire.Ring) error {
	t := p.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.ContainsFunc(p.rings, func(r *ring) bool { return r.theirs == m.Number }) {
		return fmt.Errorf("%w: a second ring of number %d", wire.ErrProtocol, m.Number)
	}
	r, err := newRing(fd, m, p)
	if err != nil {
		return err
	}
	if p.living >= mostRings || !t.hub.quota.Take(p.UID) {
		return ErrTooMany
	}
	p.living++
	t.rings++
	r.Number = t.rings
	p.rings = append(p.rings, r)
	if len(p.rings) > wire.MaxRings {
		p.rings[0].retire()
		p.rings = slices.Delete(p.rings, 0, 1)
	}
	return nil
}
