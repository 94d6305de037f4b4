package topic

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"rpcd/rpcd/wire"
)

var errTaken = fmt.Errorf("%w: a subscriber is done with records that it didn't get", wire.ErrProtocol)

// subscriber is who gets a topic's records. The topic's lock guards its queue.
type subscriber struct {
	topic *Topic
	Member
	queue
	id      string
	ended   bool           // ENDED is due behind the queue
	wakes   chan struct{}  // has room for one: something to write may be there
	writing bool           // somebody has taken what he writes; or it is left
	left    batch          // for the goroutine to write
	claims  sync.WaitGroup // by publishers, who write
	writer  *writer        // for who writes
	rings   map[*ring]bool // that it has been given; likewise
}

// put puts records into the queue, for who writes.
func (s *subscriber) put(i item) {
	s.queue.put(i)
	s.ended = false
}

func (s *subscriber) wake() {
	select {
	case s.wakes <- struct{}{}:
	default:
	}
}

// Subscribe serves a subscriber until its connection ends. br reads the connection.
func (h *Hub) Subscribe(m Member, id, name string, p Policy, br *bufio.Reader) error {
	t, err := h.join(m.UID, name, p)
	if err != nil {
		return err
	}
	defer h.leave(t, m.UID)
	s := &subscriber{topic: t, Member: m, queue: queue{hub: h, policy: p, byValue: m.Bridged}, id: id, wakes: make(chan struct{}, 1), rings: map[*ring]bool{}}
	s.writer = &writer{subscriber: s}
	s.writing = true // SUBSCRIBED
	t.subscribers[s] = struct{}{}
	state := t.answer(id, m.Bridged)
	if t.last != nil {
		state.Next = t.last.first()
		s.append(*t.last)
	}
	t.wake()
	t.mu.Unlock()
	defer s.leave()
	ctx, stop := context.WithCancel(context.Background())
	written := make(chan struct{})
	go func() {
		defer close(written)
		err := m.Conn.WriteFrame(state.Append(wire.TypeSubscribed))
		s.wrote(batch{})
		if err != nil || s.write(ctx) != nil {
			m.HangUp()
		}
	}()
	if err = s.read(br); err == nil {
		m.HangUp()
	} else {
		m.Refuse(err)
	}
	stop()
	<-written
	return err
}

// leave ends the subscriber. Publishers may have waited for it, and one may be about to
// write to it, which doesn't take long: the connection is in use until then.
func (s *subscriber) leave() {
	t := s.topic
	t.mu.Lock()
	delete(t.subscribers, s)
	t.dropped += s.dropped
	t.mu.Unlock()
	s.claims.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	s.done(s.left)
	s.clear()
	t.wake()
}

// read takes the subscriber's frames.
func (s *subscriber) read(br *bufio.Reader) error {
	for {
		h, err := wire.ReadHeader(br)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Type {
		case wire.TypeHeartbeat:
		case wire.TypeTaken:
			payload, err := wire.ReadPayload(br, h)
			if err != nil {
				return err
			}
			if err := s.took(payload); err != nil {
				return err
			}
		default:
			return unexpected(h.Type, "a subscriber")
		}
	}
}

// took takes TAKEN.
func (s *subscriber) took(payload []byte) error {
	n, err := wire.ParseTaken(payload)
	if err != nil {
		return err
	}
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	if err := s.take(n); err != nil {
		return err
	}
	if s.waiting > 0 {
		s.wake()
	}
	return nil
}

// write writes what waits and isn't written at once, until ctx ends or the connection
// fails.
func (s *subscriber) write(ctx context.Context) error {
	for {
		b := s.due()
		if b.isEmpty() {
			select {
			case <-s.wakes:
				continue
			case <-ctx.Done(): // whoever reads has hung up, or does so behind what is being written
				return nil
			}
		}
		err := s.writeBatch(b)
		s.wrote(b)
		if err != nil {
			return err
		}
	}
}

// due is next, but that what was left comes first.
func (s *subscriber) due() batch {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	if b := s.left; !b.isEmpty() {
		s.left = batch{}
		return b
	}
	return s.next()
}

func (s *subscriber) writeBatch(b batch) error {
	if b.end != nil {
		return s.Conn.WriteFrame(b.end.Append())
	}
	return s.writer.write(b.items)
}

// wrote is done.
func (s *subscriber) wrote(b batch) {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	s.done(b)
}

// gone gives the rings in which nothing comes any more, and forgets them; the topic's
// lock is held. rest is what is about to be written.
func (s *subscriber) gone(rest []item) (numbers []uint32) {
	for r := range s.rings {
		if r.retired && !s.holds(r, rest) && len(numbers) < wire.MaxGone {
			delete(s.rings, r)
			numbers = append(numbers, r.Number)
		}
	}
	return numbers
}
