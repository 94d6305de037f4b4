package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// ErrClosed says that nobody reads a stream any more: what EPIPE is to a pipe.
var ErrClosed = errors.New("nobody reads this stream any more")

// Relay carries the relayed streams of one call over one connection, at both
// sides. It owns no connection. Frames leave by the write function that it was
// made with, and arrive by Handle.
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
// without a CREDIT frame, window the most it may ever have, both in bytes. The
// options run before the stream is registered, so no frame can arrive without
// them.
func (r *Relay) In(n uint8, credit, window uint32, options ...func(*In)) *In {
	in := &In{relay: r, number: n, window: window, credit: credit}
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
		return in.data(int(h.Length), body)
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
