package topic

import (
	"rpcd/rpcd/wire"
)

// writer writes a subscriber's records as frames.
type writer struct {
	*subscriber
	items   []item // room for a batch
	buf     []byte
	notices []wire.Notice
}

// write writes records in their order: those that lie in rings as notices, as far as
// the subscriber can have the rings.
func (w *writer) write(items []item) error {
	if err := w.add(items); err != nil {
		return err
	}
	return w.flush()
}

// add is write, but that it leaves the last frames in buf.
func (w *writer) add(items []item) error {
	w.buf = w.buf[:0]
	for n := range items {
		i := &items[n]
		if i.slot != nil && !w.Bridged {
			if err := w.notice(i, items[n:]); err != nil {
				return err
			}
			continue
		}
		w.endNotices()
		if err := w.value(i); err != nil {
			return err
		}
	}
	w.endNotices()
	return nil
}

// notice adds a notice, behind the ring that it is of. rest is what is to be written,
// from i on.
func (w *writer) notice(i *item, rest []item) error {
	r := i.slot.ring
	if !w.rings[r] {
		if err := w.ring(r, i.at, rest); err != nil {
			return err
		}
	}
	w.notices = append(w.notices, wire.Notice{Number: i.at, Slot: wire.Slot{Ring: r.Number, Index: i.slot.index}, Length: i.length})
	return nil
}

// ring gives the subscriber a ring. Others may go, whose records have all been written.
func (w *writer) ring(r *ring, next uint64, rest []item) error {
	w.endNotices()
	if err := w.flush(); err != nil {
		return err
	}
	m := wire.TopicState{ID: w.id, Next: next, Ring: &r.Ring}
	w.topic.mu.Lock()
	m.Gone = w.gone(rest)
	w.topic.mu.Unlock()
	w.rings[r] = true
	return w.Conn.WriteDescriptors(m.Append(wire.TypeSubscribed), []int{r.fd})
}

func (w *writer) endNotices() {
	if len(w.notices) > 0 {
		w.buf = wire.AppendNotices(w.buf, w.notices)
		w.notices = w.notices[:0]
	}
}

// value writes records by value.
func (w *writer) value(i *item) error {
	switch {
	case i.slot != nil:
		return w.fromSlot(i)
	case i.large != nil:
		w.buf = wire.Large{Number: i.at, Length: uint64(len(i.large))}.Append(w.buf)
		for rest := i.large; len(rest) > 0; {
			n := min(len(rest), wire.MaxData)
			if err := w.data(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}
	w.buf = append(append(w.buf, i.records.Head()...), i.records.Bytes()...)
	if len(w.buf) < wire.MaxBatch {
		return nil
	}
	return w.flush()
}

// fromSlot writes a record that lies in a ring.
func (w *writer) fromSlot(i *item) error {
	if i.length <= wire.MaxSmall {
		var b wire.RecordBatch
		record := make([]byte, i.length)
		if err := i.slot.read(record, 0); err != nil {
			return err
		}
		b.Add(record)
		r, err := wire.ParseRecords(b.Frame()[wire.HeaderLen:])
		if err != nil {
			return err
		}
		r.SetFirst(i.at)
		w.buf = append(append(w.buf, r.Head()...), r.Bytes()...)
		return w.flush()
	}
	w.buf = wire.Large{Number: i.at, Length: i.length}.Append(w.buf)
	piece := make([]byte, min(i.length, wire.MaxData))
	for at := uint64(0); at < i.length; {
		p := piece[:min(uint64(len(piece)), i.length-at)]
		if err := i.slot.read(p, int64(at)); err != nil {
			return err
		}
		if err := w.data(p); err != nil {
			return err
		}
		at += uint64(len(p))
	}
	return nil
}

// data writes a DATA frame, behind what waits.
func (w *writer) data(p []byte) error {
	w.buf = wire.AppendData(w.buf, p)
	return w.flush()
}

func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	err := w.Conn.WriteFrame(w.buf)
	w.buf = w.buf[:0]
	return err
}
