package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

func FuzzTopic(f *testing.F) {
	seed(f, TypePublish, TypeSubscribe)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseTopic(payload)
		if err == nil && (m.Name == "" || m.Ring != nil && !m.Ring.Fits()) {
			t.Errorf("%+v", m)
		}
		again(t, payload, m, err, func() []byte { return m.Append(TypePublish) }, func(_ uint16, b []byte) (*Topic, error) { return ParseTopic(b) })
	})
}

func FuzzTopicState(f *testing.F) {
	seed(f, TypePublished, TypeSubscribed)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		m, err := ParseTopicState(flags&^mustUnderstand, payload)
		if err == nil && len(m.Policy) > 1<<10 {
			return // cut when it is written
		}
		again(t, payload, m, err, func() []byte { return m.Append(TypeSubscribed) }, ParseTopicState)
	})
}

func FuzzTopicEnd(f *testing.F) {
	seed(f, TypeEnded)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseTopicEnd(payload)
		again(t, payload, m, err, m.Append, func(_ uint16, b []byte) (*TopicEnd, error) { return ParseTopicEnd(b) })
	})
}

// Records are whole, and stay so wherever they are cut.
func FuzzRecords(f *testing.F) {
	seed(f, TypeRecords)
	f.Fuzz(func(t *testing.T, at uint16, payload []byte) {
		all, err := ParseRecords(payload)
		if err != nil {
			if !errors.Is(err, ErrProtocol) {
				t.Errorf("%v isn't a protocol error", err)
			}
			return
		}
		if frame := slices.Concat(all.Head(), all.Bytes()); !bytes.Equal(frame[HeaderLen:], payload) {
			t.Fatalf("%x isn't written as it was read", payload)
		}
		first := all.Clone()
		cut := int(at) % (all.Len() + 1)
		rest := first.Cut(cut)
		if first.Len() != cut || rest.Len() != all.Len()-cut || rest.First != all.First+uint64(cut) || first.Size()+rest.Size() != all.Size() {
			t.Fatalf("%d records cut at %d: %d and %d", all.Len(), cut, first.Len(), rest.Len())
		}
		for _, part := range []*Records{&first, &rest} {
			for r, ok := part.Next(); ok; r, ok = part.Next() {
				want, _ := all.Next()
				if !bytes.Equal(r, want) || part.First != all.First {
					t.Fatalf("record %d is %x, want %x", all.First, r, want)
				}
			}
		}
		if all.Len() != 0 {
			t.Fatalf("%d records are lost", all.Len())
		}
	})
}

func FuzzLarge(f *testing.F) {
	seed(f, TypeLarge)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseLarge(payload)
		if err == nil && (m.Length <= MaxSmall || m.Length > MaxLarge) {
			t.Errorf("a record of %d bytes", m.Length)
		}
		again(t, payload, m, err, func() []byte { return m.Append(nil) }, func(_ uint16, b []byte) (Large, error) { return ParseLarge(b) })
	})
}

// listOf checks a frame that is a list: what is read is written so.
func listOf[T any](t *testing.T, payload []byte, list []T, err error, frame []byte, size int) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("%v isn't a protocol error", err)
		}
		return
	}
	if len(list) == 0 || len(list)*size != len(payload) || !bytes.Equal(frame[HeaderLen:], payload) {
		t.Errorf("%d of %d bytes", len(list), len(payload))
	}
}

func FuzzNotices(f *testing.F) {
	seed(f, TypeNotices, TypeFreed)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		notices, err := ParseNotices(payload)
		listOf(t, payload, notices, err, AppendNotices(nil, notices), 24)
		slots, err := ParseFreed(payload)
		listOf(t, payload, slots, err, AppendFreed(nil, slots), 8)
	})
}

func FuzzTaken(f *testing.F) {
	seed(f, TypeTaken)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		n, err := ParseTaken(payload)
		if (err == nil) != (len(payload) == 8) || err == nil && !bytes.Equal(AppendTaken(nil, n)[HeaderLen:], payload) {
			t.Errorf("%x: %d, %v", payload, n, err)
		}
	})
}

// A batch holds what fits, and reads as what was added.
func TestRecordBatch(t *testing.T) {
	var b RecordBatch
	for range 2 {
		b.Reset()
		var want [][]byte
		for n := 0; ; n++ {
			r := bytes.Repeat([]byte{byte(n)}, n*37)
			if !b.Add(r) {
				break
			}
			want = append(want, r)
		}
		frame := b.Frame()
		h, err := ParseHeader(frame)
		if err != nil || int(h.Length) != len(frame)-HeaderLen || len(frame) > MaxData+HeaderLen || b.Len() != len(want) {
			t.Fatalf("%+v, %v: %d records in %d bytes", h, err, b.Len(), len(frame))
		}
		got, err := ParseRecords(frame[HeaderLen:])
		if err != nil || got.First != 0 {
			t.Fatal(err)
		}
		for _, w := range want {
			if r, ok := got.Next(); !ok || !bytes.Equal(r, w) {
				t.Fatalf("%x, want %x", r, w)
			}
		}
	}
	if !new(RecordBatch).Add(make([]byte, MaxSmall)) {
		t.Error("the largest small record doesn't fit")
	}
}

// Fields with a bound are refused, or cut off, over it.
func TestBoundsOfTopics(t *testing.T) {
	for _, r := range []Ring{{0, 1, 4096}, {1, 0, 4096}, {1, 1025, 4096}, {1, 1, 0}, {1, 1, 4097}, {1, 1, 1<<30 + 4096}, {1, 1, 1 << 63}} {
		m := Topic{Name: "x", Ring: &r}
		if _, err := ParseTopic(m.Append(TypePublish)[HeaderLen:]); !errors.Is(err, ErrProtocol) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	many := &TopicEnd{Gone: make([]uint32, 2*MaxGone)}
	b := many.Append()[HeaderLen:]
	for range MaxGone { // of another writer
		b = append(b, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1)
	}
	if m, err := ParseTopicEnd(b); err != nil || len(m.Gone) != MaxGone {
		t.Errorf("%d rings, %v", len(m.Gone), err)
	}
	over := binary.BigEndian.AppendUint64(make([]byte, 8), MaxLarge+1)
	if m, err := ParseLarge(over); err == nil {
		t.Errorf("%+v", m)
	}
	if len(many.Append()) > 64<<10 {
		t.Error("ENDED is over its cap")
	}
}
