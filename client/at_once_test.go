package client

import (
	"encoding/binary"
	"testing"
)

// While something else is being written, a record isn't written at once: it would come
// ahead of it.
func TestSendBehindWrite(t *testing.T) {
	w := newWorld(t)
	w.topics()
	s, p := subscription(t, "w", "block", TopicOptions{}), publisher(t, "w", "block", TopicOptions{})
	p.haste = 0
	p.mu.Lock()
	p.writing = true
	p.mu.Unlock()
	must(t, p.Send([]byte("small")))
	p.mu.Lock()
	if p.batch.Len() != 1 {
		t.Error("the record overtakes what is being written")
	}
	p.wrote(nil)
	p.mu.Unlock()
	if b, err := s.Next(); err != nil || string(b) != "small" {
		t.Errorf("%q, %v", b, err)
	}
	place, err := p.Next(100 << 10)
	must(t, err)
	must(t, p.Flush()) // the ring
	p.mu.Lock()
	p.writing = true
	p.mu.Unlock()
	must(t, place.Send(100<<10))
	p.mu.Lock()
	if len(p.notices) != 1 {
		t.Error("the notice overtakes what is being written")
	}
	p.wrote(nil)
	p.mu.Unlock()
	if b, err := s.Next(); err != nil || len(b) != 100<<10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// Records that are written at once, and those that the writer has, keep their order, and
// each comes once.
func TestSendAtOnce(t *testing.T) {
	const senders, each = 4, 20_000
	w := newWorld(t)
	w.topics()
	s, p := subscription(t, "w", "block", TopicOptions{}), publisher(t, "w", "block", TopicOptions{})
	p.haste = 0
	for k := range senders {
		go func() {
			for i := range each {
				if p.Send(binary.BigEndian.AppendUint32([]byte{byte(k)}, uint32(i))) != nil {
					return
				}
			}
		}()
	}
	var due [senders]uint32
	for range senders * each {
		b, err := s.Next()
		must(t, err)
		if n := binary.BigEndian.Uint32(b[1:]); n != due[b[0]] {
			t.Fatalf("record %d of sender %d, want %d", n, b[0], due[b[0]])
		}
		due[b[0]]++
	}
	must(t, p.Close())
	if _, err := s.Next(); err != ErrEnded {
		t.Error(err)
	}
}
