package wire

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"sync"
)

// DataPages is DATA's flag 1: the payload was spliced, and no write of the procedure
// lies in two of its pages.
const DataPages = 1

// Out is the writing end of a relayed stream. It sends nothing past its
// credit. One goroutine sends: it asks Credit, fills a frame of at most so many
// bytes, and sends that by a DataFrame, or by itself behind a Header.
//
// States: open; ended (END was sent); closed (CLOSED came); failed (the
// connection is gone). open goes to each of the others.
type Out struct {
	relay    *Relay
	number   uint8
	onClosed func()

	mu     sync.Mutex
	cond   sync.Cond
	credit uint32
	most   int  // bytes of a frame
	line   bool // a grant is for one frame
	ended  bool
	closed bool
	err    error
}

// Line makes the stream one that is read from a terminal: a grant allows one
// read.
func (o *Out) Line() { o.line = true }

// Frames keeps DATA frames to n bytes. Over TCP a frame that waits for its
// second segment waits for a delayed ACK (40 ms), unless something goes back.
func (o *Out) Frames(n int) { o.most = n }

// OnClosed has f called, once, when the other side says that nobody reads the
// stream any more. It is an option of Relay.Out, unless no frame can have come
// yet.
func (o *Out) OnClosed(f func()) { o.onClosed = f }

// Credit waits until bytes may be sent. It gives how many one frame may hold
// now: at least 1, at most MaxData or what Frames said.
//
// The end of ctx ends the wait, with its cause, and goes before credit. Other
// errors: ErrClosed when nobody reads the stream any more, or END was sent; the
// error of Abort when the connection is gone.
func (o *Out) Credit(ctx context.Context) (int, error) { return o.CreditOf(ctx, 1) }

// CreditOf is Credit for a sender that needs least bytes at once. The other side
// always comes to give half of its window, and needn't give more.
func (o *Out) CreditOf(ctx context.Context, least int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for waits := false; ; waits = true {
		switch {
		case o.err != nil:
			return 0, o.err
		case o.closed, o.ended:
			return 0, ErrClosed
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case o.credit >= uint32(least):
			return int(min(o.credit, uint32(o.most))), nil
		}
		if !waits && ctx.Done() != nil {
			defer context.AfterFunc(ctx, o.wake)()
		}
		o.cond.Wait()
	}
}

func (o *Out) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cond.Broadcast()
}

// Header takes n bytes, which Credit allowed, off the credit. It gives the
// header of their DATA frame, behind CREDIT that is due, for a sender that has
// the bytes in pages elsewhere (DataPages): all of it leaves the connection in one
// piece. It fails with ErrClosed, or as the connection did; then nothing may be
// sent.
func (o *Out) Header(n int) ([]byte, error) {
	if err := o.spend(n); err != nil {
		return nil, err
	}
	b := append(o.relay.due(), make([]byte, HeaderLen)...)
	o.putHeader(b[len(b)-HeaderLen:], n, DataPages)
	o.relay.turn.said()
	return b, nil
}

// putHeader writes the header of n bytes of DATA into b.
func (o *Out) putHeader(b []byte, n int, flags uint16) {
	Header{TypeData, o.number, flags, uint32(n)}.put(b)
}

// spend takes n bytes off the credit. It fails when the stream has ended since
// Credit.
func (o *Out) spend(n int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credit -= min(uint32(n), o.credit)
	if o.line {
		o.credit = 0
	}
	if o.closed || o.ended {
		return ErrClosed
	}
	return o.err
}

// Close sends END, unless the other side has closed the stream. It may be
// called twice.
func (o *Out) Close() error {
	if o.end() {
		return o.relay.write(Frame(TypeEnd, o.number, 0, nil))
	}
	return nil
}

// CloseSoon is Close, but END leaves with the next frame of any kind, or a little
// later.
func (o *Out) CloseSoon() {
	if o.end() {
		o.relay.writeSoon(Frame(TypeEnd, o.number, 0, nil))
	}
}

// end ends the stream, and says whether the other side has to know.
func (o *Out) end() (tell bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	tell = !o.ended && !o.closed && o.err == nil
	o.ended = true
	o.cond.Broadcast()
	return tell
}

// credited takes a CREDIT frame.
func (o *Out) credited(h Header, body io.Reader) error {
	var b [4]byte
	if int(h.Length) != len(b) {
		return protocolError("a CREDIT of %d bytes", h.Length)
	}
	if _, err := io.ReadFull(body, b[:]); err != nil {
		return err
	}
	if h.Flags&FlagAnswer != 0 {
		o.relay.turn.heard(true)
	}
	return o.grant(binary.BigEndian.Uint32(b[:]))
}

func (o *Out) grant(n uint32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n > math.MaxInt32 || o.credit > math.MaxInt32 {
		return protocolError("credit without measure for stream %d", o.number)
	}
	o.credit += n
	o.cond.Broadcast()
	return nil
}

// close is for a CLOSED frame.
func (o *Out) close() {
	o.mu.Lock()
	first := !o.closed
	o.closed = true
	o.cond.Broadcast()
	o.mu.Unlock()
	if first && o.onClosed != nil {
		o.onClosed()
	}
}

// fail is for the end of the connection.
func (o *Out) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
	o.cond.Broadcast()
}
