package client

import (
	"context"
	"fmt"
	"io"
	"sync"

	"rpcd/rpcd/topic/ring"
	"rpcd/rpcd/wire"
)

// Subscription gets the records of a topic. One goroutine calls Next; any may call
// Close.
type Subscription struct {
	*member
	reading sync.Mutex // held by Next
	close   sync.Once

	rings   map[uint32]*ring.Ring
	records wire.Records  // that came and weren't given out
	notices []wire.Notice // likewise
	large   []byte

	next   uint64 // the number of the record that is due
	got    uint64
	missed uint64
	told   uint64 // of got, by TAKEN
	pinned int    // records in rings that are got and not told
	spare  int    // fewer of these needn't be told before a wait
	err    error
}

// Subscribe connects to a topic: from its return on no record is missed, but by the
// topic's policy. The error is an *Error, or ctx's.
func Subscribe(ctx context.Context, worker, topic string, o TopicOptions) (*Subscription, error) {
	o.Subscribers = 0
	m, err := join(ctx, worker, topic, wire.TypeSubscribe, o)
	if err != nil {
		return nil, err
	}
	return &Subscription{member: m, rings: map[uint32]*ring.Ring{}, next: m.state.Next}, nil
}

// ErrEnded is Next's error when the last publisher has ended, and all its records were
// given. Others may come: Next can be called again.
var ErrEnded = fmt.Errorf("the last publisher has ended: %w", io.EOF)

// Next waits for a record and gives it. It is valid until the next call of Next or
// Close, isn't to be written, and may lie in memory that the publisher shares. The error
// is ErrEnded, or an *Error.
func (s *Subscription) Next() ([]byte, error) {
	if record, ok := s.records.Next(); ok {
		s.count(s.records.First - 1)
		return record, nil
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	for s.err == nil {
		record, ok, err := s.step()
		switch {
		case err == ErrEnded:
			return nil, err
		case err != nil:
			s.err = s.lost(err)
		case ok:
			return record, nil
		}
	}
	return nil, s.err
}

// step gives a record that has come, or takes a frame.
func (s *Subscription) step() (record []byte, ok bool, err error) {
	if record, ok := s.records.Next(); ok {
		s.count(s.records.First - 1)
		return record, true, nil
	}
	if s.pinned >= mostPinned || s.got-s.told >= mostUntold || len(s.notices) == 0 && s.pinned >= s.spare && !s.hasRecords() {
		if err := s.tell(); err != nil {
			return nil, false, err
		}
	}
	if len(s.notices) > 0 {
		n := s.notices[0]
		s.notices = s.notices[1:]
		record, err = s.inRing(n)
		return record, err == nil, err
	}
	h, payload, err := s.frame()
	if err != nil {
		return nil, false, err
	}
	if h.Type != wire.TypeNotices {
		s.spare = 0
	}
	switch h.Type {
	case wire.TypeRecords:
		s.records, err = wire.ParseRecords(payload)
	case wire.TypeNotices:
		s.notices, err = wire.ParseNotices(payload)
	case wire.TypeLarge:
		record, err = s.readLarge(payload)
		return record, err == nil, err
	case wire.TypeSubscribed:
		err = s.addRing(h.Flags, payload)
	case wire.TypeEnded:
		end, err := wire.ParseTopicEnd(payload)
		if err == nil {
			s.unmap(end.Gone)
			s.missed += max(end.Next, s.next) - s.next // the last ones were dropped
			s.next = max(end.Next, s.next)
			_ = s.tell() // the next read sees its error, too
			err = ErrEnded
		}
		return nil, false, err
	default:
		err = fmt.Errorf("%w: a %v frame to a subscriber", wire.ErrProtocol, h.Type)
	}
	return nil, false, err
}

const (
	// mostPinned is how many records in rings may be done with before the worker is
	// told: fewer frames for it, and slots for the publisher (PROTOCOL.md, section 8).
	mostPinned = 4
	// mostUntold is that of all records (PROTOCOL.md, section 8).
	mostUntold = 4096
)

// count counts a record by its number: what lies between was dropped.
func (s *Subscription) count(n uint64) {
	if n > s.next {
		s.missed += n - s.next
	}
	s.next = n + 1
	s.got++
}

// tell tells the worker how many records are done with, where it has to know.
func (s *Subscription) tell() error {
	if s.told == s.got || s.pinned == 0 && !s.drops() && s.got-s.told < mostUntold {
		return nil
	}
	s.told, s.pinned = s.got, 0
	if !s.drops() {
		s.spare = mostPinned
	}
	return s.conn.WriteFrame(wire.AppendTaken(nil, s.got))
}

func (s *Subscription) inRing(n wire.Notice) ([]byte, error) {
	r := s.rings[n.Ring]
	if r == nil {
		return nil, fmt.Errorf("%w: a record in ring %d, which didn't come", wire.ErrProtocol, n.Ring)
	}
	b := r.Slot(n.Index, n.Length)
	if b == nil {
		return nil, fmt.Errorf("%w: a record of %d bytes in slot %d", wire.ErrProtocol, n.Length, n.Index)
	}
	s.count(n.Number)
	s.pinned++
	s.spare = min(s.spare, int(r.Slots)/4)
	return b, nil
}

// addRing maps a ring that has come, and lets go of those that have gone: all records in
// them were given, and are done with.
func (s *Subscription) addRing(flags uint16, payload []byte) error {
	files := s.conn.FD.TakeFirst()
	defer files.Close()
	m, err := wire.ParseTopicState(flags, payload)
	switch {
	case err != nil:
		return err
	case m.Ring == nil || files.Len() != 1 || s.rings[m.Ring.Number] != nil:
		return fmt.Errorf("%w: a ring without its memory, or a second time", wire.ErrProtocol)
	}
	s.unmap(m.Gone)
	r, err := ring.Open(files.At(0), *m.Ring)
	if err != nil {
		return fail(ErrFailed, s.worker, true, err, "cannot map the shared memory of topic %q: %v", s.topic, err)
	}
	s.rings[m.Ring.Number] = r
	return nil
}

// unmap ends the maps of rings.
func (s *Subscription) unmap(numbers []uint32) {
	for _, n := range numbers {
		if r := s.rings[n]; r != nil {
			r.Close()
			delete(s.rings, n)
		}
	}
}

// readLarge reads a record that follows as DATA.
func (s *Subscription) readLarge(payload []byte) ([]byte, error) {
	m, err := wire.ParseLarge(payload)
	if err != nil {
		return nil, err
	}
	s.large = s.large[:0]
	for uint64(len(s.large)) < m.Length {
		h, payload, err := s.frame()
		if err != nil {
			return nil, cutOff(s.large, err)
		}
		if h.Type != wire.TypeData || len(payload) == 0 || uint64(len(payload)) > m.Length-uint64(len(s.large)) {
			return nil, fmt.Errorf("%w: a %v frame of %d bytes in the middle of a record", wire.ErrProtocol, h.Type, len(payload))
		}
		s.large = append(s.large, payload...)
	}
	s.count(m.Number)
	return s.large, nil
}

// Waiting says whether a record has come that Next will give without waiting. Only who
// calls Next may call it.
func (s *Subscription) Waiting() bool {
	return s.records.Len() > 0 || len(s.notices) > 0 || s.hasRecords()
}

// Policy is the topic's, as its file had it when the subscription began.
func (s *Subscription) Policy() string { return s.state.Policy }

// Missed is how many records the topic's policy has dropped for this subscription.
func (s *Subscription) Missed() uint64 { return s.missed }

// Got is how many records Next gave.
func (s *Subscription) Got() uint64 { return s.got }

// Close ends the subscription. A Next that waits fails, and the record that Next gave
// last isn't valid any more.
func (s *Subscription) Close() {
	s.conn.Abort()
	s.close.Do(func() {
		s.reading.Lock()
		defer s.reading.Unlock()
		s.conn.Close()
		s.conn.FD.TakeFiles().Close()
		for n, r := range s.rings {
			r.Close()
			delete(s.rings, n)
		}
		s.notices = nil
		if s.err == nil {
			s.err = fail(ErrUsage, s.worker, true, nil, "cannot read topic %q: the subscription is closed", s.topic)
		}
	})
}
