package client

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/topic/ring"
	"rpcd/rpcd/wire"
)

// Place is memory for a record that is yet to be written: see Next.
type Place struct {
	Bytes []byte // to be written
	p     *Publisher
	ring  *ring.Ring // nil: Bytes are this process's own
	index uint32
}

// Next gives shared memory for a record of size bytes, to be written in place. Send or
// Drop has to follow, once. It waits until a place is free. Where the worker isn't on
// this host, or the record is small, it is memory of this process's. So it is, too,
// where a topic drops what is too much, and slow subscribers hold all shared memory.
func (p *Publisher) Next(size int) (*Place, error) {
	if size > p.mostBytes() || size < 0 {
		return nil, p.tooLarge(size)
	}
	if p.byValue || size < wire.MinRing {
		return &Place{Bytes: make([]byte, size), p: p}, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if err := p.makeRing(uint64(size)); err != nil {
			return nil, err
		}
		switch {
		case p.err != nil:
			return nil, p.err
		case p.closed:
			return nil, errPublisherClosed
		case p.ring.Size < uint64(size): // another goroutine's is there now
		case len(p.free) > 0:
			last := len(p.free) - 1
			index := p.free[last]
			p.free = p.free[:last]
			p.places++
			return &Place{Bytes: p.ring.Slot(index, uint64(size)), p: p, ring: p.ring, index: index}, nil
		case !p.waitForSlot(size):
			return &Place{Bytes: make([]byte, size), p: p}, nil
		}
	}
}

// mostBytes is how many bytes a record may have.
func (p *Publisher) mostBytes() int {
	if p.byValue {
		return wire.MaxLarge
	}
	return min(wire.MaxSlot, mostMapped/2)
}

func (p *Publisher) tooLarge(size int) error {
	where := ""
	if p.byValue {
		where = " through a bridge"
	}
	return fail(ErrUsage, p.worker, false, nil, "cannot publish %d bytes: a record has at most %d%s", size, p.mostBytes(), where)
}

// slotWait is how long a publisher of a topic that drops waits for a slot, once, until
// one is freed again: FREED may be on its way.
const slotWait = 10 * time.Millisecond

// waitForSlot waits for a change. It says no where the record is to go by value; p.mu is
// held.
func (p *Publisher) waitForSlot(size int) bool {
	if !p.drops() || size > wire.MaxLarge {
		p.changed.Wait()
		return true
	}
	if p.starved {
		return false
	}
	late := time.AfterFunc(slotWait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.starved = len(p.free) == 0
		p.changed.Broadcast()
	})
	defer late.Stop()
	p.changed.Wait()
	return true
}

// Drop gives the place back without a record.
func (l *Place) Drop() {
	if l.ring == nil {
		return
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.give(l.ring.Number, l.index)
	l.p.leavePlace()
}

// Send publishes the first n bytes of the place, which isn't to be touched any more.
func (l *Place) Send(n int) error {
	p := l.p
	if l.ring == nil {
		return p.byCopy(l.Bytes[:n])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.leavePlace()
	for p.err == nil && !p.closed && (p.batch.Len() > 0 || len(p.notices) == wire.MaxNotices) {
		p.changed.Wait()
	}
	switch {
	case p.err != nil:
		return p.err
	case p.closed:
		return errPublisherClosed
	}
	p.notices = append(p.notices, wire.Notice{Slot: wire.Slot{Ring: l.ring.Number, Index: l.index}, Length: uint64(n)})
	p.sent++
	if !p.noticesAtOnce() {
		p.stir()
	}
	return nil
}

// noticesAtOnce is sendAtOnce for notices; p.mu is held. To write a record takes so long
// that none counts as one of many.
func (p *Publisher) noticesAtOnce() bool {
	if p.writing || !p.conn.FD.TrySend(wire.AppendNotices(p.data[:0], p.notices)) {
		return false
	}
	p.notices = p.notices[:0]
	return true
}

// leavePlace says that nobody writes into a place any more; p.mu is held.
func (p *Publisher) leavePlace() {
	p.places--
	p.unmap()
}

// unmap ends the maps when nobody writes there, nor will; p.mu is held.
func (p *Publisher) unmap() {
	if p.places > 0 || !p.closed {
		return
	}
	for _, r := range p.old {
		r.Close()
	}
	if p.ring != nil {
		p.ring.Close()
	}
	p.ring, p.old = nil, nil
}

// give says that a slot is free; p.mu is held.
func (p *Publisher) give(number, index uint32) {
	if p.ring != nil && p.ring.Number == number {
		p.free = append(p.free, index)
		p.starved = false
		p.changed.Broadcast()
	}
}

// A ring has mostSlots: memory is taken for those alone that are written, and the one
// that was freed last is written first. Where the topic blocks, a publisher would run
// ahead until all were written, and each record would be too old to be in the processor's
// cache. So there it has runAhead bytes, but leastSlots, which is more than mostPinned.
const (
	mostSlots  = 256
	leastSlots = 16
	runAhead   = 16 << 20
)

// slots is how many slots a ring has whose slots have so many bytes.
func (p *Publisher) slots(size uint64) uint32 {
	n := uint64(mostSlots)
	if !p.drops() {
		n = min(max(runAhead/size, leastSlots), n)
	}
	return uint32(min(n, mostMapped/size))
}

// mostMapped bounds a ring in bytes, which are addresses and not memory: 64 GiB, or what
// an address of 32 bits leaves.
const mostMapped = min(64<<30, math.MaxInt/8)

// makeRing sees to it that there is a ring with slots of that size; p.mu is held.
func (p *Publisher) makeRing(size uint64) error {
	if p.err != nil || p.closed || p.ring != nil && p.ring.Size >= size {
		return nil
	}
	slot := uint64(wire.MinRing)
	for slot < size {
		slot *= 2
	}
	for p.err == nil && !p.closed && (p.writing || p.batch.Len() > 0 || len(p.notices) > 0) { // they go first, in the old one
		p.stir()
		p.changed.Wait()
	}
	if p.err != nil || p.closed || p.ring != nil && p.ring.Size >= size {
		return nil
	}
	p.rings++
	m := wire.Ring{Number: p.rings, Slots: p.slots(slot), Size: slot}
	r, fd, err := ring.New(m)
	if err != nil {
		return fail(ErrFailed, p.worker, false, err, "cannot make shared memory for records: %v", err)
	}
	defer unix.Close(fd)
	if p.ring != nil {
		p.old = append(p.old, p.ring) // its map stays: a Place may be in it
	}
	p.ring, p.free = r, nil
	for i := m.Slots; i > 0; i-- {
		p.free = append(p.free, i-1)
	}
	p.writing = true
	p.mu.Unlock()
	err = p.conn.WriteDescriptors((&wire.Topic{Name: p.topic, Ring: &m}).Append(wire.TypePublish), []int{fd})
	p.mu.Lock()
	p.wrote(err)
	return nil
}
