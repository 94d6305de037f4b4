package wire

// DataMore is DATA's flag 2: more of the stream follows at once.
const DataMore = 2

// firstRoom is how many bytes a stream reads at once in the beginning. The room
// doubles while reads fill it, up to what Frames says: most streams are short.
const firstRoom = 16 << 10

// DataFrame is the memory of an Out's DATA frames, one after the other. One
// goroutine uses it, and calls Free at its end. An unused one holds no memory.
type DataFrame struct {
	out  *Out
	buf  []byte // the header, then the room; nil: none is held
	room int    // in bytes
}

// DataFrame makes an empty one.
func (o *Out) DataFrame() *DataFrame {
	return &DataFrame{out: o, room: min(firstRoom, o.most)}
}

// Room gives where the next payload goes: at least one byte, and at most most,
// which is what Credit allowed.
func (f *DataFrame) Room(most int) []byte {
	if f.buf == nil {
		f.buf = getBuffer(HeaderLen + f.room)
	}
	return f.buf[HeaderLen : HeaderLen+min(f.room, most)]
}

// Send sends the first n bytes of the room, and takes them off the credit. more says
// that the next bytes are there already. Send waits only for the connection. The
// errors are those of Header and of the connection.
func (f *DataFrame) Send(n int, more bool) error {
	if err := f.out.spend(n); err != nil {
		return err
	}
	var flags uint16
	if more {
		flags = DataMore
	}
	f.out.putHeader(f.buf, n, flags)
	if err := f.out.relay.write(f.buf[:HeaderLen+n]); err != nil {
		return err
	}
	if n == f.room && n < f.out.most {
		f.Free()
		f.room = min(2*n, f.out.most)
	}
	return nil
}

// Free gives the memory back. The frame can be used again.
func (f *DataFrame) Free() {
	if f.buf != nil {
		putBuffer(f.buf)
		f.buf = nil
	}
}

// Piece is a part of a stream: bytes, or a number of them that lie elsewhere.
type Piece struct {
	Bytes []byte
	Held  int  // how many bytes PushHeld told of; then Bytes is nil
	More  bool // DataMore
}

func (p Piece) size() int { return len(p.Bytes) + p.Held }

// join adds q, which came behind p, to it, if both lie elsewhere or are small: frames
// of a byte each would take many times their window. So of two pieces that follow each
// other the second doesn't fit into the first. What is joined is still written whole
// (PROTOCOL.md, section 4).
func (p *Piece) join(q Piece) bool {
	switch {
	case p.Held > 0 && q.Held > 0:
		p.Held += q.Held
	case p.Held > 0 || q.Held > 0 || len(p.Bytes)+len(q.Bytes) > PipeBuf:
		return false
	default:
		p.Bytes, p.More = append(p.Bytes, q.Bytes...), p.More || q.More
		q.free()
	}
	return true
}

func (p Piece) free() {
	if p.Bytes != nil {
		putBuffer(p.Bytes)
	}
}
