package client

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/topic/ring"
	"rpcd/rpcd/wire"
)

// slots is a publisher by hand, whose rings have so many slots.
type slots struct {
	t *testing.T
	*member
	freed map[wire.Slot]bool
}

func publishSlots(t *testing.T, sizes ...uint32) *slots {
	t.Helper()
	m, err := join(t.Context(), "w", "block", wire.TypePublish, TopicOptions{})
	must(t, err)
	t.Cleanup(func() { _ = m.conn.Close() })
	must(t, m.conn.SetDeadline(time.Now().Add(testkit.Limit)))
	for i, n := range sizes {
		shape := wire.Ring{Number: uint32(i + 1), Slots: n, Size: wire.MinRing}
		r, fd, err := ring.New(shape)
		must(t, err)
		r.Close()
		must(t, m.conn.WriteDescriptors((&wire.Topic{Name: "block", Ring: &shape}).Append(wire.TypePublish), []int{fd}))
		unix.Close(fd)
	}
	return &slots{t: t, member: m, freed: map[wire.Slot]bool{}}
}

// send sends records in a single frame.
func (p *slots) send(list ...wire.Slot) {
	p.t.Helper()
	var notices []wire.Notice
	for _, s := range list {
		notices = append(notices, wire.Notice{Slot: s, Length: wire.MinRing})
		delete(p.freed, s)
	}
	must(p.t, p.conn.WriteFrame(wire.AppendNotices(nil, notices)))
}

// await waits until all of these are free.
func (p *slots) await(list ...wire.Slot) {
	p.t.Helper()
	for _, s := range list {
		for !p.freed[s] {
			h, payload, err := p.frame()
			must(p.t, err)
			if h.Type != wire.TypeFreed {
				p.t.Fatalf("a %v frame", h.Type)
			}
			free, err := wire.ParseFreed(payload)
			must(p.t, err)
			for _, s := range free {
				p.freed[s] = true
			}
		}
	}
}

// next gets so many records.
func next(t *testing.T, s *Subscription, n int) {
	t.Helper()
	for range n {
		_, err := s.Next()
		must(t, err)
	}
}

// A subscriber may wait with a few records untold, so that not each of them wakes the
// worker. It is done with all of them as soon as something else has come.
func TestUntoldRecords(t *testing.T) {
	w := newWorld(t)
	w.topics()
	s, p := subscription(t, "w", "block", TopicOptions{}), publishSlots(t, 16)
	at := func(i int) wire.Slot { return wire.Slot{Ring: 1, Index: uint32(i)} }
	told := map[uint64]bool{} // each by a frame
	for i := range 9 {
		p.send(at(i))
		next(t, s, 1)
		told[s.told] = true
	}
	if len(told) > 3 { // with 0, which none has told
		t.Errorf("%d TAKEN frames of 8 records", len(told)-1)
	}
	go func() { _, _ = s.Next() }()
	p.await(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8))
}

// A record by value comes behind some that are untold: they are told.
func TestUntoldBehindValues(t *testing.T) {
	w := newWorld(t)
	w.topics()
	s, p := subscription(t, "w", "block", TopicOptions{}), publishSlots(t, 16)
	for i := range uint32(3) {
		p.send(wire.Slot{Ring: 1, Index: i})
		next(t, s, 1)
	}
	var b wire.RecordBatch
	b.Add([]byte("x"))
	must(t, p.conn.WriteFrame(b.Frame()))
	next(t, s, 1)
	go func() { _, _ = s.Next() }()
	p.await(wire.Slot{Ring: 1, Index: 1}, wire.Slot{Ring: 1, Index: 2})
}

// No record of a ring with few slots stays untold, whichever came behind it: its
// publisher would wait for ever.
func TestUntoldOfFewSlots(t *testing.T) {
	w := newWorld(t)
	w.topics()
	s, p := subscription(t, "w", "block", TopicOptions{}), publishSlots(t, 1, 16)
	few, many := wire.Slot{Ring: 1}, func(i uint32) wire.Slot { return wire.Slot{Ring: 2, Index: i} }
	for _, slot := range []wire.Slot{few, many(0)} {
		p.send(slot)
		next(t, s, 1)
	}
	p.await(few)
	p.send(few, many(1))
	next(t, s, 2)
	go func() { _, _ = s.Next() }()
	p.await(few)
}
