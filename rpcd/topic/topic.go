package topic

import (
	"context"
	"slices"
	"sync"

	"rpcd/rpcd/wire"
)

// Topic is one topic of a worker. It stays when nobody uses it, since it counts its
// records, and may keep the last one: there are as many as the worker's files name.
type Topic struct {
	Name string
	hub  *Hub

	mu          sync.Mutex
	policy      Policy // of subscribers to come
	subscribers map[*subscriber]struct{}
	publishers  map[*publisher]struct{}
	next        uint64        // the number of the next record, from 1 on
	last        *item         // the last record, where the policy retains it
	rings       uint32        // how many there were
	dropped     uint64        // records, by the queues of subscribers that have gone
	changed     chan struct{} // closed and made anew when something changes that others wait for
	closed      bool
}

func newTopic(h *Hub, name string) *Topic {
	return &Topic{
		Name: name, hub: h, next: 1, changed: make(chan struct{}),
		subscribers: map[*subscriber]struct{}{}, publishers: map[*publisher]struct{}{},
	}
}

// wake tells all who wait; t.mu is held.
func (t *Topic) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// await waits until ready says so, which is called with t.mu held. The error is ctx's,
// or ErrClosed.
func (t *Topic) await(ctx context.Context, ready func() bool) error {
	for {
		t.mu.Lock()
		if t.closed {
			t.mu.Unlock()
			return ErrClosed
		}
		if ready() {
			t.mu.Unlock()
			return nil
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// publish numbers records and puts them into all queues; t.mu is held. A slot of it is
// held by the caller.
func (t *Topic) publish(i item) {
	if t.closed {
		return
	}
	i.number(t.next)
	t.next += uint64(i.count())
	for s := range t.subscribers {
		s.put(i)
	}
	if t.policy.Retain {
		last := i.last()
		last.slot.hold()
		t.forget()
		t.last = &last
	}
}

// wakeWriters has the subscribers' goroutines look; t.mu is held.
func (t *Topic) wakeWriters() {
	for s := range t.subscribers {
		if !s.writing { // else who writes looks
			s.wake()
		}
	}
}

// forget lets go of the last record; t.mu is held.
func (t *Topic) forget() {
	if t.last != nil {
		t.last.slot.release()
		t.last = nil
	}
}

// hasRoom says whether no subscriber makes publishers wait; t.mu is held.
func (t *Topic) hasRoom() bool {
	for s := range t.subscribers {
		if s.isFull() {
			return false
		}
	}
	return true
}

// setPolicy takes over what the topic's file says now; t.mu is held.
func (t *Topic) setPolicy(p Policy) {
	t.policy = p
	if !p.Retain {
		t.forget()
	}
}

// answer is PUBLISHED or SUBSCRIBED; t.mu is held.
func (t *Topic) answer(id string, bridged bool) *wire.TopicState {
	m := &wire.TopicState{
		ID: id, Subscribers: uint32(len(t.subscribers)), Publishers: uint32(len(t.publishers)),
		Next: t.next, Policy: t.policy.String(),
	}
	if bridged {
		m.Flags |= wire.TopicBridged
	}
	return m
}

// State is how a topic is.
type State struct {
	Policy                  Policy
	Subscribers, Publishers int
	Came, Dropped           uint64   // records
	Stalled                 []string // ids of subscribers that publishers wait for, sorted
}

// Use is the state for LISTING.
func (s State) Use() wire.TopicUse {
	return wire.TopicUse{
		Policy: s.Policy.String(), Subscribers: uint32(s.Subscribers), Publishers: uint32(s.Publishers),
		Records: s.Came, Dropped: s.Dropped, Stalled: s.Stalled,
	}
}

// State describes the topic.
func (t *Topic) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := State{Policy: t.policy, Subscribers: len(t.subscribers), Publishers: len(t.publishers), Came: t.next - 1, Dropped: t.dropped}
	for sub := range t.subscribers {
		s.Dropped += sub.dropped
		if sub.isFull() {
			s.Stalled = append(s.Stalled, sub.id)
		}
	}
	slices.Sort(s.Stalled)
	return s
}
