package wire

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A batch's frames have the units in order. Where a frame may be cut, a unit ends.
func TestBatch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var s sink
	out := NewRelay(s.write).Out(1, 1<<30)
	b := out.Batch()
	var sent []byte
	ends := map[int]bool{}
	for i := range 3000 {
		n := 1 + rnd.IntN(PipeBuf)
		switch rnd.IntN(3) {
		case 0:
			n = PipeBuf << rnd.IntN(4)
		case 1:
			n = 1 + rnd.IntN(100)
		}
		room, err := b.Room(n, n+rnd.IntN(200_000))
		if err != nil || len(room) != n {
			t.Fatal(len(room), err)
		}
		if n <= PipeBuf && rnd.IntN(20) == 0 { // another reader was quicker
			n = 1 + rnd.IntN(n)
		}
		for j := range n {
			room[j] = byte(i + j)
		}
		sent = append(sent, room[:n]...)
		for at := len(sent); at > len(sent)-n; at -= PipeBuf { // a unit over PipeBuf may be cut at its multiples
			ends[at] = true
		}
		b.Add(n)
		if rnd.IntN(10) == 0 {
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Send(); err != nil || b.buf != nil {
		t.Fatal(err)
	}
	at := 0
	for frames := bytes.NewReader(s.Bytes()); frames.Len() > 0; {
		h, err := ReadHeader(frames)
		if err != nil || h.Type != TypeData || h.Stream != 1 || h.Length == 0 {
			t.Fatal(h, err)
		}
		payload, err := ReadPayload(frames, h)
		if err != nil || !bytes.Equal(payload, sent[at:at+len(payload)]) {
			t.Fatal("other bytes", err)
		}
		for ; len(payload) > 0; payload = payload[min(len(payload), PipeBuf):] {
			if at += min(len(payload), PipeBuf); !ends[at] {
				t.Fatalf("a frame of %d bytes is cut in a unit", h.Length)
			}
		}
	}
	if at != len(sent) || out.credit != uint32(1<<30-at) {
		t.Errorf("%d bytes of %d went, %d of the credit are left", at, len(sent), out.credit)
	}
}

// A batch for a stream that nobody reads any more is dropped.
func TestBatchForNobody(t *testing.T) {
	var s sink
	out := NewRelay(s.write).Out(1, 100)
	b := out.Batch()
	if _, err := b.Room(10, 10); err != nil {
		t.Fatal(err)
	}
	b.Add(10)
	out.close()
	if err := b.Send(); err != ErrClosed || s.Len() != 0 || b.buf != nil {
		t.Errorf("%v, and %d bytes were sent", err, s.Len())
	}
	if err := b.Send(); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
}
