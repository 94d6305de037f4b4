package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// ErrClosed says that nobody reads a stream any more: what EPIPE is to a pipe.
var ErrClosed = errors.New("nobody reads this stream any more")

// Relay carries the relayed streams of one call over one connection. It owns
// no connection: frames leave by the write function it was made with, and
// arrive by Handle. Both sides use it.
type Relay struct {
	write func(frame []byte) error

	mu   sync.Mutex
	ins  map[uint8]*In
	outs map[uint8]*Out
	err  error // after Abort
}

// NewRelay makes a relay whose frames leave by write, which must take whole
// frames from several goroutines.
func NewRelay(write func(frame []byte) error) *Relay {
	return &Relay{write: write, ins: map[uint8]*In{}, outs: map[uint8]*Out{}}
}

// In adds the reading end of stream n. credit is what the other side may send
// without a CREDIT frame, window the most it may ever have, both in bytes. What
// with sets is set before a frame can reach it.
func (r *Relay) In(n uint8, credit, window uint32, with ...func(*In)) *In {
	in := &In{relay: r, number: n, window: window, credit: credit}
	in.cond.L = &in.mu
	for _, set := range with {
		set(in)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ins[n], in.err = in, r.err
	return in
}

// Out adds the writing end of stream n with its first credit in bytes. What
// with sets is set before a frame can reach it.
func (r *Relay) Out(n uint8, credit uint32, with ...func(*Out)) *Out {
	out := &Out{relay: r, number: n, credit: credit, most: MaxData}
	out.cond.L = &out.mu
	for _, set := range with {
		set(out)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outs[n], out.err = out, r.err
	return out
}

// Abort ends every stream with err: the connection is gone.
func (r *Relay) Abort(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = err
	for _, in := range r.ins {
		in.fail(err)
	}
	for _, out := range r.outs {
		out.fail(err)
	}
}

// Handle takes a DATA, END, CLOSED or CREDIT frame whose payload is read from
// body. It doesn't block on anything but body. An error is the other side's
// fault and ends the connection.
func (r *Relay) Handle(h Header, body io.Reader) error {
	r.mu.Lock()
	in, out := r.ins[h.Stream], r.outs[h.Stream]
	r.mu.Unlock()
	switch h.Type {
	case TypeData, TypeEnd:
		if in == nil {
			return protocolError("%v for stream %d, which isn't relayed this way", h.Type, h.Stream)
		}
		if h.Type == TypeEnd {
			return in.end()
		}
		return in.data(h.Length, body)
	case TypeClosed, TypeCredit:
		if out == nil {
			return protocolError("%v for stream %d, which isn't relayed this way", h.Type, h.Stream)
		}
		if h.Type == TypeClosed {
			out.close()
			return nil
		}
		var b [4]byte
		if h.Length != 4 {
			return protocolError("a CREDIT of %d bytes", h.Length)
		}
		if _, err := io.ReadFull(body, b[:]); err != nil {
			return err
		}
		return out.grant(binary.BigEndian.Uint32(b[:]))
	}
	return protocolError("a %v frame in a call", h.Type)
}
