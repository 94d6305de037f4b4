package wire

import (
	"bytes"
	"encoding/binary"
	"math"
)

// critical is the first tag that a reader has to understand.
const critical = 0x8000

// fields builds a frame of fields, or, from its zero value, a field that holds
// fields.
type fields struct{ b []byte }

// answer begins a frame: room for its header.
func answer() fields { return fields{make([]byte, HeaderLen, 256)} }

// frame writes the header of a frame that answer or first began.
func (f *fields) frame(t Type, stream uint8, flags uint16) []byte {
	Header{t, stream, flags, uint32(len(f.b) - HeaderLen)}.put(f.b)
	return f.b
}

// fieldHead is the length in bytes of a field's tag and length.
const fieldHead = 6

// hasRoom reports whether a frame of type t can hold one more field.
func (f *fields) hasRoom(t Type, field fields) bool {
	return len(f.b)-HeaderLen+fieldHead+len(field.b) <= int(kinds[t].max)
}

// numbers adds a field that holds fields itself: each number as a u64, with the
// tags 1, 2 and so on. A 0 is left out. So the list can grow.
func (f *fields) numbers(tag uint16, list ...uint64) {
	var in fields
	for i, n := range list {
		if n != 0 {
			in.u64(uint16(i+1), n)
		}
	}
	f.bytes(tag, in.b)
}

func (f *fields) bytes(tag uint16, v []byte) {
	f.b = binary.BigEndian.AppendUint16(f.b, tag)
	f.b = binary.BigEndian.AppendUint32(f.b, uint32(len(v)))
	f.b = append(f.b, v...)
}

func (f *fields) text(tag uint16, s string) {
	if s != "" {
		f.bytes(tag, []byte(s))
	}
}

func (f *fields) u16(tag uint16, v uint16) { f.bytes(tag, binary.BigEndian.AppendUint16(nil, v)) }
func (f *fields) u32(tag uint16, v uint32) { f.bytes(tag, binary.BigEndian.AppendUint32(nil, v)) }
func (f *fields) u64(tag uint16, v uint64) { f.bytes(tag, binary.BigEndian.AppendUint64(nil, v)) }

// reader takes fields apart. It stops at the first error and keeps it, so
// that a parser checks once, at its end.
type reader struct {
	b     []byte
	whole string // b as a text, for word
	seen  map[uint16]bool
	err   error
}

func newReader(b []byte) *reader { return &reader{b: b, seen: map[uint16]bool{}} }

// next gives the next field, or false at the end or after an error.
func (r *reader) next() (tag uint16, v []byte, ok bool) {
	if r.err != nil || len(r.b) == 0 {
		return 0, nil, false
	}
	if len(r.b) < fieldHead {
		r.err = protocolError("a field is cut off")
		return 0, nil, false
	}
	tag = binary.BigEndian.Uint16(r.b)
	n := binary.BigEndian.Uint32(r.b[2:])
	if uint64(n) > uint64(len(r.b)-fieldHead) {
		r.err = protocolError("field %d is longer than its frame", tag)
		return 0, nil, false
	}
	v, r.b = r.b[fieldHead:fieldHead+n], r.b[fieldHead+n:]
	return tag, v, true
}

// once refuses a second field of the same tag.
func (r *reader) once(tag uint16) bool {
	if r.seen[tag] && r.err == nil {
		r.err = protocolError("field %d stands twice", tag)
	}
	r.seen[tag] = true
	return r.err == nil
}

// unknown skips a field, or fails where it had to be understood.
func (r *reader) unknown(tag uint16) {
	if tag >= critical && r.err == nil {
		r.err = protocolError("field %#x isn't known here and may not be skipped", tag)
	}
}

// fail keeps the first error.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// limited is text for one that has a bound in bytes.
func (r *reader) limited(tag uint16, v []byte, code Code, what string, most int) string {
	if err := checkLength(code, what, len(v), most); err != nil {
		r.fail(err)
		return ""
	}
	return r.text(tag, v)
}

// text takes v as bytes without NUL, of tag's only field.
func (r *reader) text(tag uint16, v []byte) string {
	r.once(tag)
	return r.noNUL(tag, v)
}

func (r *reader) noNUL(tag uint16, v []byte) string {
	if bytes.IndexByte(v, 0) >= 0 && r.err == nil {
		r.err = protocolError("a NUL byte in field %d", tag)
	}
	return string(v)
}

func (r *reader) sized(tag uint16, v []byte, n int) bool {
	if r.once(tag) && len(v) != n {
		r.err = protocolError("field %d has %d bytes instead of %d", tag, len(v), n)
	}
	return r.err == nil
}

func (r *reader) u16(tag uint16, v []byte) uint16 {
	if !r.sized(tag, v, 2) {
		return 0
	}
	return binary.BigEndian.Uint16(v)
}

func (r *reader) u32(tag uint16, v []byte) uint32 {
	if !r.sized(tag, v, 4) {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

func (r *reader) u64(tag uint16, v []byte) uint64 {
	if !r.sized(tag, v, 8) {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

// numbers reads what fields.numbers wrote: n numbers, 0 where one is left out.
// Further ones, of a later version, are skipped.
func (r *reader) numbers(tag uint16, v []byte, n int) []uint64 {
	list := make([]uint64, n)
	if !r.once(tag) {
		return list
	}
	in := newReader(v)
	for tag, v, ok := in.next(); ok; tag, v, ok = in.next() {
		if tag >= 1 && int(tag) <= n {
			list[tag-1] = in.u64(tag, v)
		} else {
			in.unknown(tag)
		}
	}
	r.take(in, true, "")
	return list
}

// take takes over the error of a reader of nested fields, or says what is wrong
// with them.
func (r *reader) take(in *reader, right bool, wrong string) {
	switch {
	case r.err != nil:
	case in.err != nil:
		r.err = in.err
	case !right:
		r.err = protocolError("%s", wrong)
	}
}

// number32 bounds a number of the wire to 32 bits.
func number32(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }
