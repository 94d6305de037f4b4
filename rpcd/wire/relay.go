package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"
)

// ErrClosed says that nobody reads a stream any more: what EPIPE is to a pipe.
var ErrClosed = errors.New("nobody reads this stream any more")

// Relay carries the relayed streams of one call over one connection, at both
// sides. It owns no connection. Frames leave by the write function that it was
// made with, and arrive by Handle. Small frames that can wait leave with another
// one: each segment that goes one way alone may cost a delayed ACK (see turn).
type Relay struct {
	raw  func(frames []byte) error
	turn turn

	sending chan struct{} // has room: nobody is between the look for what waits and its leaving
	waiting []byte        // frames that leave before the next one, END alone; sending guards it

	mu   sync.Mutex
	ins  map[uint8]*In
	outs map[uint8]*Out
	err  error // after Abort
}

// NewRelay makes a relay whose frames leave by write, one or several whole ones
// at once.
func NewRelay(write func(frames []byte) error) *Relay {
	return &Relay{raw: write, sending: make(chan struct{}, 1), ins: map[uint8]*In{}, outs: map[uint8]*Out{}}
}

// Write sends a frame of the call, and in the same piece what waits: END before
// it, CREDIT behind it.
func (r *Relay) Write(frame []byte) error { return r.write(frame) }

func (r *Relay) write(frame []byte) error {
	r.sending <- struct{}{}
	defer func() { <-r.sending }()
	due := r.due()
	if n := len(r.waiting) + len(frame) + len(due); n > len(frame) {
		b := getBuffer(n)
		defer putBuffer(b)
		frame = append(append(append(b[:0], r.waiting...), frame...), due...)
		r.waiting = nil
	}
	if len(frame) == 0 { // flush, when a frame has taken along what waited
		return nil
	}
	r.turn.said()
	return r.raw(frame)
}

// endWait is how long END waits for a frame that it can leave with: what ends one
// output mostly ends the other one, and the call.
const endWait = time.Millisecond

// writeSoon is write for a frame that leaves with the next one, or after endWait.
func (r *Relay) writeSoon(frame []byte) {
	r.sending <- struct{}{}
	defer func() { <-r.sending }()
	if r.waiting = append(r.waiting, frame...); len(r.waiting) == len(frame) {
		time.AfterFunc(endWait, r.flush)
	}
}

// flush sends what waits in writeSoon.
func (r *Relay) flush() {
	_ = r.write(nil) // a lost connection shows by Abort
}

// due gives a CREDIT frame for each stream that may have one.
func (r *Relay) due() (frames []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, in := range r.ins {
		if n := in.due(); n > 0 {
			frames = append(frames, credit(in.number, n)...)
		}
	}
	return frames
}

// In adds the reading end of stream n. credit is what the other side may send
// without a CREDIT frame, window the most it may ever have, both in bytes. What is
// between them leaves with the next frame. The options run before the stream is
// registered, so no frame can arrive without them.
func (r *Relay) In(n uint8, credit, window uint32, options ...func(*In)) *In {
	in := &In{relay: r, number: n, window: window, credit: credit, owed: window - min(credit, window)}
	in.cond.L = &in.mu
	for _, set := range options {
		set(in)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ins[n], in.err = in, r.err
	return in
}

// Out adds the writing end of stream n with its first credit in bytes. The
// options run before the stream is registered, so no frame can arrive without
// them.
func (r *Relay) Out(n uint8, credit uint32, options ...func(*Out)) *Out {
	out := &Out{relay: r, number: n, credit: credit, most: MaxData}
	out.cond.L = &out.mu
	for _, set := range options {
		set(out)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outs[n], out.err = out, r.err
	return out
}

// Abort ends every stream with err: the connection is gone. What came before can
// still be read. Only the first call counts.
func (r *Relay) Abort(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = err
	r.turn.end()
	for _, in := range r.ins {
		in.fail(err)
	}
	for _, out := range r.outs {
		out.fail(err)
	}
}

// Handle takes a DATA, END, CLOSED or CREDIT frame whose payload is read from
// body. It waits for nothing but body. An error is the other side's fault and
// ends the connection.
func (r *Relay) Handle(h Header, body io.Reader) error {
	r.mu.Lock()
	in, out := r.ins[h.Stream], r.outs[h.Stream]
	r.mu.Unlock()
	switch h.Type {
	case TypeData, TypeEnd:
		if in == nil {
			return notRelayed(h)
		}
		if h.Type == TypeEnd {
			return in.end()
		}
		return in.data(h, body)
	case TypeClosed, TypeCredit:
		if out == nil {
			return notRelayed(h)
		}
		if h.Type == TypeClosed {
			out.close()
			return nil
		}
		return out.credited(h, body)
	}
	return protocolError("a %v frame in a call", h.Type)
}

func notRelayed(h Header) error {
	return protocolError("%v for stream %d, which isn't relayed this way", h.Type, h.Stream)
}

// credit gives a CREDIT frame.
func credit(stream uint8, n uint32) []byte {
	return Frame(TypeCredit, stream, 0, binary.BigEndian.AppendUint32(nil, n))
}
