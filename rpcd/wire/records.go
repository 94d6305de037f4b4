package wire

import (
	"bytes"
	"encoding/binary"
)

// recordHead is the length in bytes of what stands before a record in RECORDS, and
// batchHead of what stands before the first.
const (
	recordHead = 4
	batchHead  = 8
)

// MaxBatch is how many bytes of records, with four more for each, one RECORDS frame
// holds.
const MaxBatch = MaxData - batchHead

// RecordBatch builds a RECORDS frame. The zero value is an empty one, and can be used again
// after Reset.
type RecordBatch struct {
	b []byte
	n int
}

// Add adds a record, if the frame has room for it.
func (b *RecordBatch) Add(record []byte) bool {
	if len(b.b) == 0 {
		b.Reset()
	}
	if len(b.b)-HeaderLen-batchHead+recordHead+len(record) > MaxBatch {
		return false
	}
	b.b = binary.BigEndian.AppendUint32(b.b, uint32(len(record)))
	b.b = append(b.b, record...)
	b.n++
	return true
}

// Len is how many records there are, and Size the bytes of the frame.
func (b *RecordBatch) Len() int  { return b.n }
func (b *RecordBatch) Size() int { return len(b.b) }

// Frame gives the frame. It is the RecordBatch's, until Reset.
func (b *RecordBatch) Frame() []byte {
	Header{TypeRecords, 0, 0, uint32(len(b.b) - HeaderLen)}.put(b.b)
	return b.b
}

// Reset makes it empty, and keeps its memory.
func (b *RecordBatch) Reset() {
	b.b = append(b.b[:0], make([]byte, HeaderLen+batchHead)...)
	b.n = 0
}

// Records is the payload of a RECORDS frame after Check: whole records, one behind
// the other, each behind its length.
type Records struct {
	First uint64 // the number of the first; 0: a publisher's
	b     []byte
	n     int
}

// ParseRecords checks a payload, which isn't copied.
func ParseRecords(payload []byte) (Records, error) {
	if len(payload) < batchHead+recordHead {
		return Records{}, protocolError("a RECORDS frame of %d bytes", len(payload))
	}
	r := Records{First: binary.BigEndian.Uint64(payload), b: payload[batchHead:]}
	for at := 0; at < len(r.b); r.n++ {
		left := len(r.b) - at
		if left < recordHead || uint64(binary.BigEndian.Uint32(r.b[at:])) > uint64(left-recordHead) {
			return Records{}, protocolError("a record that goes over its frame's end")
		}
		at += recordHead + int(binary.BigEndian.Uint32(r.b[at:]))
	}
	return r, nil
}

// Len is how many records there are, and Size their bytes with their lengths.
func (r *Records) Len() int  { return r.n }
func (r *Records) Size() int { return len(r.b) }

// SetFirst numbers the records from n on.
func (r *Records) SetFirst(n uint64) { r.First = n }

// Clone copies the records.
func (r *Records) Clone() Records { return Records{r.First, bytes.Clone(r.b), r.n} }

// Next takes the first record off.
func (r *Records) Next() (record []byte, ok bool) {
	if r.n == 0 {
		return nil, false
	}
	end := recordHead + int(binary.BigEndian.Uint32(r.b))
	record, r.b = r.b[recordHead:end:end], r.b[end:]
	r.n--
	r.First++
	return record, true
}

// Cut keeps the first n records, and gives the rest.
func (r *Records) Cut(n int) (rest Records) {
	rest = *r
	for range n {
		rest.Next()
	}
	r.b, r.n = r.b[:len(r.b)-len(rest.b)], n
	return rest
}

// Head gives a frame's bytes before the records, which follow it on the wire; see
// Bytes.
func (r *Records) Head() []byte {
	b := make([]byte, HeaderLen+batchHead)
	Header{TypeRecords, 0, 0, uint32(batchHead + len(r.b))}.put(b)
	binary.BigEndian.PutUint64(b[HeaderLen:], r.First)
	return b
}

// Bytes are the records as they stand in the frame.
func (r *Records) Bytes() []byte { return r.b }

// Large begins a record that follows as DATA.
type Large struct {
	Number uint64 // 0: a publisher's
	Length uint64 // bytes
}

// Append appends the frame.
func (m Large) Append(b []byte) []byte {
	b = appendHeader(b, TypeLarge, 16)
	b = binary.BigEndian.AppendUint64(b, m.Number)
	return binary.BigEndian.AppendUint64(b, m.Length)
}

// ParseLarge reads LARGE's payload.
func ParseLarge(payload []byte) (Large, error) {
	if len(payload) != 16 {
		return Large{}, protocolError("a LARGE frame of %d bytes", len(payload))
	}
	m := Large{binary.BigEndian.Uint64(payload), binary.BigEndian.Uint64(payload[8:])}
	if m.Length <= MaxSmall || m.Length > MaxLarge {
		return m, protocolError("a record of %d bytes by LARGE (over %d, and at most %d)", m.Length, MaxSmall, MaxLarge)
	}
	return m, nil
}

// Slot names a slot of a ring.
type Slot struct{ Ring, Index uint32 }

// Notice says that a record lies in a slot.
type Notice struct {
	Number uint64 // 0: a publisher's
	Slot
	Length uint64 // bytes
}

const (
	noticeSize = 24
	slotSize   = 8
	mostWords  = 64 << 10 // bytes of a NOTICES or FREED frame
)

// MaxNotices is how many notices one frame holds, and MaxFreed how many slots.
const (
	MaxNotices = mostWords / noticeSize
	MaxFreed   = mostWords / slotSize
)

// AppendNotices appends a NOTICES frame of 1 to MaxNotices.
func AppendNotices(b []byte, list []Notice) []byte {
	b = appendHeader(b, TypeNotices, len(list)*noticeSize)
	for _, n := range list {
		b = binary.BigEndian.AppendUint64(b, n.Number)
		b = binary.BigEndian.AppendUint32(b, n.Ring)
		b = binary.BigEndian.AppendUint32(b, n.Index)
		b = binary.BigEndian.AppendUint64(b, n.Length)
	}
	return b
}

// ParseNotices reads NOTICES' payload.
func ParseNotices(payload []byte) ([]Notice, error) {
	if len(payload) == 0 || len(payload)%noticeSize != 0 {
		return nil, protocolError("a NOTICES frame of %d bytes", len(payload))
	}
	list := make([]Notice, 0, len(payload)/noticeSize)
	for b := payload; len(b) > 0; b = b[noticeSize:] {
		list = append(list, Notice{
			Number: binary.BigEndian.Uint64(b),
			Slot:   Slot{binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])},
			Length: binary.BigEndian.Uint64(b[16:]),
		})
	}
	return list, nil
}

// AppendFreed appends a FREED frame of 1 to MaxFreed slots.
func AppendFreed(b []byte, list []Slot) []byte {
	b = appendHeader(b, TypeFreed, len(list)*slotSize)
	for _, s := range list {
		b = binary.BigEndian.AppendUint32(b, s.Ring)
		b = binary.BigEndian.AppendUint32(b, s.Index)
	}
	return b
}

// ParseFreed reads FREED's payload.
func ParseFreed(payload []byte) ([]Slot, error) {
	if len(payload) == 0 || len(payload)%slotSize != 0 {
		return nil, protocolError("a FREED frame of %d bytes", len(payload))
	}
	list := make([]Slot, 0, len(payload)/slotSize)
	for b := payload; len(b) > 0; b = b[slotSize:] {
		list = append(list, Slot{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])})
	}
	return list, nil
}

// AppendTaken appends a TAKEN frame.
func AppendTaken(b []byte, n uint64) []byte {
	b = appendHeader(b, TypeTaken, 8)
	return binary.BigEndian.AppendUint64(b, n)
}

// ParseTaken reads TAKEN's payload.
func ParseTaken(payload []byte) (uint64, error) {
	if len(payload) != 8 {
		return 0, protocolError("a TAKEN frame of %d bytes", len(payload))
	}
	return binary.BigEndian.Uint64(payload), nil
}

// AppendData appends a DATA frame of stream 0.
func AppendData(b, p []byte) []byte { return append(appendHeader(b, TypeData, len(p)), p...) }

func appendHeader(b []byte, t Type, length int) []byte {
	b = append(b, make([]byte, HeaderLen)...)
	Header{t, 0, 0, uint32(length)}.put(b[len(b)-HeaderLen:])
	return b
}
