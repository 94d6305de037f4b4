package topic

import (
	"rpcd/rpcd/wire"
)

// The bounds of a queue: see PROTOCOL.md, section 8.
const (
	blockRecords = 64
	blockBytes   = 1 << 20
	mostBytes    = 64 << 20
	tightBytes   = 1 << 20   // instead of mostBytes
	allBytes     = 512 << 20 // in all queues, from which on each has tightBytes
)

// queue is what waits for one subscriber, and what is on its way there. The topic's
// lock guards it.
type queue struct {
	hub     *Hub
	policy  Policy // as the subscriber came
	byValue bool   // no slot is held when its record is written
	items   []item
	waiting int // records in items
	bytes   int // of them
	flights []flight
	flying  int    // records in flights
	sent    uint64 // records
	taken   uint64
	dropped uint64
}

// flight is records on their way to a subscriber, untaken.
type flight struct {
	count int
	slot  *slot // held, or nil
}

// put puts records into the queue, as the policy has it.
func (q *queue) put(i item) {
	n := i.count()
	if q.policy.Kind == DropNewest {
		room := max(0, q.policy.Depth-q.waiting)
		if q.bytes+i.size() > q.most() {
			room = 0
		}
		if n > room {
			q.dropped += uint64(n - room)
			if room == 0 {
				return
			}
			i.cut(room)
			i = i.copied()
		}
	}
	q.append(i)
	if q.policy.Kind == DropOldest {
		for q.waiting > q.policy.Depth || q.bytes > q.most() {
			q.dropFirst(max(1, q.waiting-q.policy.Depth))
		}
	}
}

// most is how many bytes may wait under a policy that drops.
func (q *queue) most() int {
	if q.hub.queued.Load() > allBytes {
		return tightBytes
	}
	return mostBytes
}

func (q *queue) append(i item) {
	i.slot.hold()
	q.items = append(q.items, i)
	q.waiting += i.count()
	q.count(i.size())
}

// count counts bytes in this queue, and in all.
func (q *queue) count(bytes int) {
	q.bytes += bytes
	q.hub.queued.Add(int64(bytes))
}

// dropFirst drops up to n records of the queue's first item.
func (q *queue) dropFirst(n int) {
	i := q.shift(n)
	i.slot.release()
	q.dropped += uint64(i.count())
}

// shift takes up to n records of the queue's first item. A slot of it is the caller's to
// release.
func (q *queue) shift(n int) item {
	i := q.items[0]
	if i.count() > n {
		rest := i.cut(n)
		q.items[0] = rest
	} else {
		q.items[0] = item{}
		q.items = q.items[1:]
	}
	q.waiting -= i.count()
	q.count(-i.size())
	return i
}

// isFull says whether publishers have to wait for this queue.
func (q *queue) isFull() bool {
	return q.policy.Kind == Block && (q.waiting >= blockRecords || q.bytes >= blockBytes)
}

// room is how many records may be sent now: under a policy that drops, only as many as
// may be on their way.
func (q *queue) room() int {
	if q.policy.Kind == Block {
		return q.waiting
	}
	return min(q.waiting, q.policy.Depth-q.flying)
}

// load takes what is to be written next, and notes that it is on its way. It gives
// nothing when that has to wait.
func (q *queue) load(items []item) []item {
	bytes := 0
	for room := q.room(); room > 0 && bytes < wire.MaxBatch && len(items) < wire.MaxNotices; {
		i := q.shift(room)
		room -= i.count()
		bytes += i.size()
		items = append(items, i)
		q.fly(i)
	}
	return items
}

// fly notes records as on their way. A subscriber by value doesn't know of slots: who
// writes holds them, and nobody after that.
func (q *queue) fly(i item) {
	n := i.count()
	if q.byValue {
		i.slot = nil
	}
	q.sent += uint64(n)
	q.flying += n
	if last := len(q.flights) - 1; i.slot == nil && last >= 0 && q.flights[last].slot == nil {
		q.flights[last].count += n
		return
	}
	q.flights = append(q.flights, flight{n, i.slot})
}

// take notes that the subscriber is done with its first n records.
func (q *queue) take(n uint64) error {
	if n < q.taken || n > q.sent {
		return errTaken
	}
	for left := n - q.taken; left > 0; {
		f := &q.flights[0]
		k := int(min(left, uint64(f.count)))
		f.count -= k
		left -= uint64(k)
		q.flying -= k
		if f.count == 0 {
			f.slot.release()
			q.flights = q.flights[1:]
		}
	}
	q.taken = n
	return nil
}

// clear gives back all that the queue holds.
func (q *queue) clear() {
	for _, f := range q.flights {
		f.slot.release()
	}
	for _, i := range q.items {
		i.slot.release()
	}
	q.count(-q.bytes)
	q.items, q.flights, q.waiting, q.flying = nil, nil, 0, 0
}

// holds says whether a record of a ring waits, or is among others.
func (q *queue) holds(r *ring, others []item) bool {
	for _, list := range [][]item{q.items, others} {
		for _, i := range list {
			if i.slot != nil && i.slot.ring == r {
				return true
			}
		}
	}
	return false
}
