package topic

import (
	"fmt"
	"testing"
	"time"

	"rpcd/rpcd/wire"
)

// A short record is written by the publisher's goroutine. One that a full socket doesn't
// take is left to the subscriber's, whole and in its place, and holds no other
// subscriber up.
func TestShortRecordsBehindFullSocket(t *testing.T) {
	w := newWorld(t)
	w.hub.haste = 0
	full, quick := w.subscribe(block(), false), w.subscribe(block(), false)
	p := w.publish(block())
	sent := 0
	next := func() {
		sent++
		record := fmt.Sprintf("%05d", sent)
		p.send(records(record + string(make([]byte, 3000))))
		r, err := wire.ParseRecords(quick.want(wire.TypeRecords))
		must(t, err)
		if b, _ := r.Next(); string(b[:5]) != record {
			t.Fatalf("record %q, want %q", b[:5], record)
		}
	}
	left := func() bool {
		for s := range w.topic().subscribers {
			if s.id == full.id {
				return s.writing && s.waiting > 0
			}
		}
		return false
	}
	for topic := w.topic(); sent < 10_000; {
		next()
		topic.mu.Lock()
		is := left()
		topic.mu.Unlock()
		if is {
			break
		}
	}
	for range 5 { // behind what is left
		next()
	}
	for n := 1; n <= sent; {
		r, err := wire.ParseRecords(full.want(wire.TypeRecords))
		must(t, err)
		for b, ok := r.Next(); ok; b, ok = r.Next() {
			if string(b[:5]) != fmt.Sprintf("%05d", n) || r.First-1 != uint64(n) || len(b) != 3005 {
				t.Fatalf("record %q of %d bytes with number %d, want %d", b[:5], len(b), r.First-1, n)
			}
			n++
		}
	}
	next()
	if m := p.end(); m.Came != uint64(sent) {
		t.Errorf("%+v", m)
	}
}

// topic is the topic of all tests.
func (w *world) topic() *Topic {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	return w.hub.topics["t"]
}

// Two publishers, and subscribers that come and go: each subscriber gets all from its
// first record on, in one order, whoever writes it.
func TestWhoWrites(t *testing.T) {
	w := newWorld(t)
	w.hub.haste = time.Microsecond // some at once, and some not
	steady := w.subscribe(block(), false)
	stop, sent := make(chan struct{}), make(chan error, 2)
	for range 2 {
		p := w.publish(block())
		go func() {
			for {
				select {
				case <-stop:
					sent <- p.c.WriteFrame(frameOf(wire.TypeEnd))
					return
				default:
				}
				if err := p.c.WriteFrame(records("a", "b")); err != nil {
					sent <- err
					return
				}
			}
		}()
	}
	got := make(chan error, 1)
	go func() { got <- inOrder(steady) }()
	for range 50 {
		s := w.subscribe(block(), false)
		s.want(wire.TypeRecords)
		must(t, s.leave())
	}
	close(stop)
	must(t, <-sent)
	must(t, <-sent)
	must(t, <-got)
}

// inOrder reads records until ENDED.
func inOrder(e *end) error {
	for next := uint64(1); ; {
		h, err := wire.ReadHeader(e.br)
		if err != nil {
			return err
		}
		payload, err := wire.ReadPayload(e.br, h)
		if err != nil {
			return err
		}
		if h.Type == wire.TypeEnded {
			m, err := wire.ParseTopicEnd(payload)
			if err == nil && m.Next != next {
				err = fmt.Errorf("ENDED says %d, and %d was due", m.Next, next)
			}
			return err
		}
		r, err := wire.ParseRecords(payload)
		if err != nil {
			return err
		}
		if r.First != next {
			return fmt.Errorf("number %d, want %d", r.First, next)
		}
		next += uint64(r.Len())
	}
}

// A subscriber that is refused while a publisher writes to it hears why.
func TestRefusedWhileWritten(t *testing.T) {
	for range 50 {
		w := newWorld(t)
		w.hub.haste = 0
		bad := w.subscribe(block(), false)
		p := w.publish(block())
		p.send(records("a"))
		bad.wantRecords("1:a")
		bad.send(taken(9))
		if text := bad.wantRefused(); text != errTaken.Error() {
			t.Errorf("refused: %s", text)
		}
	}
}
