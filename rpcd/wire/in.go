package wire

import (
	"io"
	"sync"
)

// In is the reading end of a relayed stream. It holds at most the credit that
// it has given.
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
	queue  []piece
	last   piece  // given out by Next, goes back to its pool at the following call
	credit uint32 // what the other side may still send
	owed   uint32 // read away, but not granted again yet
	manual bool   // credit comes by Grant alone
	line   bool
	ended  bool
	closed bool
	err    error

	absorber Absorber
}

// piece is a part of a stream: bytes, or, where b is nil, n bytes that the
// absorber holds.
type piece struct {
	b []byte
	n int
}

// Absorber keeps bytes of a stream outside of this process.
type Absorber interface {
	// Absorb takes up to n bytes off the connection and gives how many. It may
	// wait for the connection, not for its own reader.
	Absorb(n int) (int, error)
	// Emit writes the next n bytes that it took to where the stream goes.
	Emit(n int) error
}

// leastAbsorb is from how many bytes on a frame is absorbed; fewer are cheaper
// to copy.
const leastAbsorb = 32 << 10

// Absorb makes big frames pass by a. Such a stream is read by WriteTo.
func (in *In) Absorb(a Absorber) { in.absorber = a }

// Manual leaves all credit to Grant.
func (in *In) Manual() { in.manual = true }

// Line makes the stream one that is read from a terminal: Manual, and a grant
// is used up by one DATA frame.
func (in *In) Line() { in.manual, in.line = true, true }

// Next gives the next bytes of the stream, valid until the following call of
// Next, and gives credit for the ones before. It returns io.EOF after END,
// ErrClosed after Close, and the error of Abort when the connection is gone.
func (in *In) Next() ([]byte, error) {
	p, err := in.next()
	return p.b, err
}

func (in *In) next() (piece, error) {
	in.mu.Lock()
	owed := in.release()
	in.mu.Unlock()
	if owed > 0 {
		_ = in.Grant(owed) // a lost connection says so by Abort, after what is queued
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		switch {
		case in.closed:
			return piece{}, ErrClosed
		case len(in.queue) > 0:
			in.last, in.queue = in.queue[0], in.queue[1:]
			return in.last, nil
		case in.ended:
			return piece{}, io.EOF
		case in.err != nil:
			return piece{}, in.err
		}
		in.cond.Wait()
	}
}

// release takes back what Next gave out and says how much credit is due now:
// a quarter of the window at once, so that small reads cost few frames.
func (in *In) release() uint32 {
	if in.last.n == 0 {
		return 0
	}
	in.owed += uint32(in.last.n)
	in.last.free()
	in.last = piece{}
	if in.manual || in.ended || in.closed || in.owed < in.window/4 {
		return 0
	}
	owed := in.owed
	in.owed = 0
	return owed
}

// Grant lets the other side send n bytes more.
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

// WriteTo writes the stream to w until it ends: nil after END, else the error
// of w or of the connection. It doesn't call Close.
func (in *In) WriteTo(w io.Writer) (int64, error) {
	var sum int64
	for {
		p, err := in.next()
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		n := p.n
		if p.b == nil {
			err = in.absorber.Emit(n)
		} else {
			n, err = w.Write(p.b)
		}
		sum += int64(n)
		if err != nil {
			return sum, err
		}
	}
}

// Close says that nobody reads the stream any more. It may be called at any
// time, and twice.
func (in *In) Close() error {
	in.mu.Lock()
	tell := !in.closed && !in.ended && in.err == nil
	in.closed = true
	in.drop()
	in.cond.Broadcast()
	in.mu.Unlock()
	if tell {
		return in.relay.write(Frame(TypeClosed, in.number, 0, nil))
	}
	return nil
}

func (in *In) drop() {
	for _, p := range in.queue {
		p.free()
	}
	in.queue = nil
}

// data queues n bytes of body.
func (in *In) data(n uint32, body io.Reader) error {
	in.mu.Lock()
	ended, closed, over := in.ended, in.closed, n > in.credit
	if !over {
		in.credit -= n
		if in.line {
			in.credit = 0
		}
	}
	in.mu.Unlock()
	switch {
	case ended:
		return protocolError("DATA after END of stream %d", in.number)
	case over:
		return protocolError("%d bytes for stream %d, over its credit", n, in.number)
	case n == 0:
		return protocolError("an empty DATA frame")
	}
	left := int(n)
	if in.absorber != nil && left >= leastAbsorb && !closed {
		k, err := in.absorber.Absorb(left)
		if err != nil {
			return err
		}
		if k > 0 {
			in.push(piece{n: k})
			left -= k
		}
	}
	if left == 0 {
		return nil
	}
	p := piece{getBuffer(left), left}
	if _, err := io.ReadFull(body, p.b); err != nil {
		p.free()
		return err
	}
	in.push(p)
	return nil
}

func (in *In) push(p piece) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		p.free()
		return
	}
	in.queue = append(in.queue, p)
	in.cond.Broadcast()
}

func (p piece) free() {
	if p.b != nil {
		putBuffer(p.b)
	}
}

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

func (in *In) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	in.cond.Broadcast()
}
