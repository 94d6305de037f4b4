package wire

import (
	"io"
	"sync"
)

// In is the reading end of a relayed stream. It holds at most the credit that
// it has given. The goroutine that reads the connection queues what arrives;
// another one takes it by Next.
//
// States: open; ended (END came, what is queued can be read); closed (Close
// was called, what arrives is discarded); failed (the connection is gone).
// open goes to each of the others; ended to closed or failed.
type In struct {
	relay  *Relay
	number uint8
	window uint32

	mu     sync.Mutex
	cond   sync.Cond
	queue  []Piece
	given  Piece  // by Next; its memory goes back to the pool at the following call
	credit uint32 // what the other side may still send
	owed   uint32 // read away, but not granted again yet
	manual bool   // bytes are read away by Consumed, not by Next
	line   bool   // a grant is for one frame
	ended  bool
	closed bool
	err    error
}

// Manual leaves it to Consumed to say when bytes are read away. Credit may wait for a
// frame to leave with.
func (in *In) Manual() { in.manual = true }

// Line makes the stream one that is read from a terminal: a grant is used up by one
// DATA frame, and the next one comes by Grant.
func (in *In) Line() { in.manual, in.line = true, true }

// Next waits for the next piece of the stream, whose bytes are valid until the
// following call of Next. It gives credit for the pieces before. It returns
// io.EOF after END, ErrClosed after Close, and the error of Abort when the
// connection is gone.
func (in *In) Next() (Piece, error) {
	in.mu.Lock()
	n := in.release()
	in.mu.Unlock()
	if n > 0 {
		in.Consumed(n)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		switch {
		case in.closed:
			return Piece{}, ErrClosed
		case len(in.queue) > 0:
			in.given, in.queue = in.queue[0], in.queue[1:]
			return in.given, nil
		case in.ended:
			return Piece{}, io.EOF
		case in.err != nil:
			return Piece{}, in.err
		}
		in.cond.Wait()
	}
}

// release takes back what Next gave out. It gives how many bytes are read away by
// that.
func (in *In) release() int {
	n := in.given.size()
	in.given.free()
	in.given = Piece{}
	if in.manual {
		return 0
	}
	return n
}

// Consumed says that n bytes are read away. Credit for them is due from a quarter
// of the window on, so that small reads cost few frames. With Manual it then leaves
// with the next frame, and by itself only if the other side has less than half of the
// window: so a side that waits for half of it, or less, always gets that.
func (in *In) Consumed(n int) {
	in.mu.Lock()
	in.owed += uint32(n)
	rides := in.manual && in.credit > 0 && in.credit >= in.window/2
	in.mu.Unlock()
	if !rides {
		in.grant(in.due())
	}
}

// ConsumedOfMany is Consumed where more follows at once (Piece.More): credit doesn't
// wait, and with it goes the acknowledgment for which a bridge keeps the next bytes
// back.
func (in *In) ConsumedOfMany(n int) {
	in.mu.Lock()
	in.owed += uint32(n)
	due := in.take(1)
	in.mu.Unlock()
	in.grant(due)
}

// grant sends n bytes of credit, unless there are none. It asks for an answer.
func (in *In) grant(n uint32) {
	if n > 0 {
		frame := credit(in.number, n)
		frame[3] = FlagAnswer
		_ = in.relay.write(frame) // a lost connection shows by Abort, behind what is queued
	}
}

// due takes the credit that a frame may give now.
func (in *In) due() uint32 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.take(max(in.window/4, 1))
}

// take is due where at least so many bytes are owed. in.mu is held.
func (in *In) take(least uint32) uint32 {
	if in.ended || in.closed || in.err != nil || in.owed < least {
		return 0
	}
	n := in.owed
	in.credit += n
	in.owed = 0
	return n
}

// Grant lets the other side send n bytes more, at once.
func (in *In) Grant(n uint32) error {
	in.mu.Lock()
	if in.ended || in.closed || in.err != nil {
		in.mu.Unlock()
		return nil
	}
	in.credit += n
	in.mu.Unlock()
	return in.relay.write(credit(in.number, n))
}

// Close says that nobody reads the stream any more. It may be called at any
// time, and twice.
func (in *In) Close() error {
	in.mu.Lock()
	tell := !in.closed && !in.ended && in.err == nil
	in.closed = true
	for _, p := range in.queue {
		p.free()
	}
	in.queue, in.given = nil, Piece{} // its reader may still use that
	in.cond.Broadcast()
	in.mu.Unlock()
	if tell {
		return in.relay.write(Frame(TypeClosed, in.number, 0, nil))
	}
	return nil
}

// Arrive takes the n bytes of a DATA frame off the credit, before they are read.
// wanted says that somebody will read the stream. An error is the other side's
// fault and ends the connection.
//
// Relay.Handle does all that a DATA frame needs. A reader of the connection that
// keeps some of the bytes elsewhere calls Arrive instead, then PushHeld for
// those, then Receive for the rest.
func (in *In) Arrive(n int) (wanted bool, err error) {
	in.relay.turn.heard(n > 0)
	in.mu.Lock()
	defer in.mu.Unlock()
	over := n > int(in.credit)
	if !over {
		in.credit -= uint32(n)
		if in.line {
			in.credit = 0
		}
	}
	switch {
	case in.ended:
		return false, protocolError("DATA after END of stream %d", in.number)
	case over:
		return false, protocolError("%d bytes for stream %d, over its credit", n, in.number)
	case n == 0:
		return false, protocolError("an empty DATA frame")
	}
	return !in.closed, nil
}

// PushHeld queues n bytes that the caller keeps outside of this process: Next
// will give their number.
func (in *In) PushHeld(n int) { in.push(Piece{Held: n}) }

// Receive reads n bytes from body and queues them; 0 are none.
func (in *In) Receive(n int, body io.Reader) error { return in.receive(n, body, false) }

func (in *In) receive(n int, body io.Reader, more bool) error {
	if n == 0 {
		return nil
	}
	p := Piece{Bytes: getBuffer(n), More: more}
	if err := in.relay.turn.read(body, p.Bytes); err != nil {
		p.free()
		return err
	}
	in.push(p)
	return nil
}

// data takes a DATA frame.
func (in *In) data(h Header, body io.Reader) error {
	n := int(h.Length)
	if _, err := in.Arrive(n); err != nil {
		return err
	}
	return in.receive(n, body, h.Flags&DataMore != 0)
}

func (in *In) push(p Piece) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		p.free()
		return
	}
	if last := len(in.queue) - 1; last < 0 || !in.queue[last].join(p) {
		in.queue = append(in.queue, p)
	}
	in.cond.Broadcast()
}

// end is for an END frame.
func (in *In) end() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return protocolError("a second END of stream %d", in.number)
	}
	in.ended = true
	in.cond.Broadcast()
	return nil
}

// fail is for the end of the connection.
func (in *In) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	in.cond.Broadcast()
}
