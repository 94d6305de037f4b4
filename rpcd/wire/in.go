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
	queue  [][]byte
	last   []byte // given out by Next, goes back to its pool at the following call
	credit uint32 // what the other side may still send
	owed   uint32 // read away, but not granted again yet
	manual bool   // credit comes by Grant alone
	line   bool
	ended  bool
	closed bool
	err    error
}

// Manual leaves all credit to Grant.
func (in *In) Manual() { in.manual = true }

// Line makes the stream one that is read from a terminal: Manual, and a grant
// is used up by one DATA frame.
func (in *In) Line() { in.manual, in.line = true, true }

// Next gives the next bytes of the stream, valid until the following call of
// Next, and gives credit for the ones before. It returns io.EOF after END,
// ErrClosed after Close, and the error of Abort when the connection is gone.
func (in *In) Next() ([]byte, error) {
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
			return nil, ErrClosed
		case len(in.queue) > 0:
			in.last, in.queue = in.queue[0], in.queue[1:]
			return in.last, nil
		case in.ended:
			return nil, io.EOF
		case in.err != nil:
			return nil, in.err
		}
		in.cond.Wait()
	}
}

// release takes back what Next gave out and says how much credit is due now:
// a quarter of the window at once, so that small reads cost few frames.
func (in *In) release() uint32 {
	if in.last == nil {
		return 0
	}
	in.owed += uint32(len(in.last))
	putBuffer(in.last)
	in.last = nil
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
		b, err := in.Next()
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		n, err := w.Write(b)
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
	for _, b := range in.queue {
		putBuffer(b)
	}
	in.queue = nil
}

// data queues n bytes of body.
func (in *In) data(n uint32, body io.Reader) error {
	in.mu.Lock()
	ended, over := in.ended, n > in.credit
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
	b := getBuffer(int(n))
	if _, err := io.ReadFull(body, b); err != nil {
		putBuffer(b)
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		putBuffer(b)
		return nil
	}
	in.queue = append(in.queue, b)
	in.cond.Broadcast()
	return nil
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
