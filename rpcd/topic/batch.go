package topic

import (
	"time"

	"rpcd/rpcd/wire"
)

// inHaste is how soon behind its publisher's last frame one counts as one of many: the
// subscribers' goroutines then find several records when they run, and wake their
// subscribers once.
const inHaste = 500 * time.Microsecond

// atOnce is how many bytes of records a publisher's goroutine writes to a subscriber
// itself. More of them are copied by the subscribers' goroutines, side by side.
const atOnce = 16 << 10

// batch is what somebody has taken from the queue, to write it. Until it is written, its
// bytes count as queued, and its slots are held, whatever the subscriber says by TAKEN:
// their rings' descriptors are in use.
type batch struct {
	items []item
	bytes int64
	end   *wire.TopicEnd
}

func (b *batch) isEmpty() bool { return len(b.items) == 0 && b.end == nil }

// next takes what is to be written next, for the caller to write it. It is empty when
// that has to wait, or somebody writes already; the topic's lock is held.
func (s *subscriber) next() (b batch) {
	if s.writing {
		return b
	}
	w := s.writer
	clear(w.items)
	full, bytes := s.isFull(), s.bytes
	b.items = s.load(w.items[:0])
	w.items = b.items
	if full && !s.isFull() {
		s.topic.wake()
	}
	b.bytes = int64(bytes - s.bytes)
	s.hub.queued.Add(b.bytes)
	if !s.byValue {
		for _, i := range b.items {
			i.slot.hold()
		}
	}
	if s.ended && s.waiting == 0 && len(b.items) == 0 {
		s.ended = false
		b.end = &wire.TopicEnd{Next: s.topic.next, Gone: s.gone(nil)}
	}
	s.writing = !b.isEmpty()
	return b
}

// done lets go of what was written, or never will be; the topic's lock is held.
func (s *subscriber) done(b batch) {
	s.hub.queued.Add(-b.bytes)
	for _, i := range b.items {
		i.slot.release()
	}
	s.writing = false
}

// leaveTo has the subscriber's goroutine write what somebody else has taken; the topic's
// lock is held.
func (s *subscriber) leaveTo(b batch) {
	s.left = b
	s.wake()
}

// isShort says whether what was taken can be written without a long copy, and without a
// ring's descriptor.
func (s *subscriber) isShort(b batch) bool {
	if b.end != nil || b.bytes > atOnce {
		return false
	}
	for _, i := range b.items {
		if i.slot != nil && (s.Bridged || !s.rings[i.slot.ring]) {
			return false
		}
	}
	return true
}

// claim is a batch that a publisher's goroutine writes.
type claim struct {
	*subscriber
	batch
}

// claim takes from the queues what is to be written at once. The rest is left to the
// subscribers' goroutines: to wake one takes longer than a short write. The topic's lock
// is held.
func (t *Topic) claim(list []claim) []claim {
	for s := range t.subscribers {
		b := s.next()
		switch {
		case b.isEmpty():
		case s.isShort(b):
			s.claims.Add(1)
			list = append(list, claim{s, b})
		default:
			s.leaveTo(b)
		}
	}
	return list
}

// write writes, unless that has to wait: then the subscriber's goroutine does. So does
// it with what has come meanwhile.
func (c *claim) write() {
	s := c.subscriber
	defer s.claims.Done()
	sent := s.writer.add(c.items) == nil && s.TrySend(s.writer.buf)
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	if !sent {
		s.leaveTo(c.batch)
		return
	}
	s.done(c.batch)
	if s.ended || s.room() > 0 {
		s.wake()
	}
}
