package wire

import (
	"io"
	"math"
	"sync"
)

// Out is the writing end of a relayed stream. It sends nothing past its
// credit.
//
// States: open; stopped (no DATA is sent any more); ended (END was sent); closed
// (CLOSED came); failed (the connection is gone). open goes to each of the
// others, stopped to each after it.
type Out struct {
	relay    *Relay
	number   uint8
	onClosed func()

	mu     sync.Mutex
	cond   sync.Cond
	credit uint32
	most   int // bytes of a frame
	line   bool
	ended  bool
	closed bool
	stop   error
	err    error
}

// Line makes the stream one that is read from a terminal: a grant allows one
// read.
func (o *Out) Line() { o.line = true }

// Frames keeps DATA frames to n bytes. Over TCP a frame that waits for its
// second segment waits for a delayed ACK (40 ms), unless something goes back.
func (o *Out) Frames(n int) { o.most = n }

// OnClosed has f called, once, when the other side says that nobody reads the
// stream any more. It is for Relay.Out's with, unless no frame can have come yet.
func (o *Out) OnClosed(f func()) { o.onClosed = f }

// wait waits for credit and gives how much there is.
func (o *Out) wait() (uint32, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		switch {
		case o.err != nil:
			return 0, o.err
		case o.closed, o.ended:
			return 0, ErrClosed
		case o.stop != nil:
			return 0, o.stop
		case o.credit > 0:
			return o.credit, nil
		}
		o.cond.Wait()
	}
}

// spend takes n bytes off the credit, and refuses when the stream was closed
// meanwhile.
func (o *Out) spend(n uint32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credit -= min(n, o.credit)
	if o.line {
		o.credit = 0
	}
	if o.closed || o.ended {
		return ErrClosed
	}
	return o.err
}

// firstChunk is what a stream reads at once in the beginning; it doubles while
// reads fill it, to what Frames says.
const firstChunk = 16 << 10

// Splicer is a source that can send a frame by itself, without its bytes
// passing through this process.
type Splicer interface {
	// Splice waits for bytes and sends a frame of at most max: the header that
	// it asks for, once, with their number, then the bytes. It gives 0 and no
	// error where copying is better; Read then has the bytes.
	Splice(max int, header func(n int) ([]byte, error)) (n int, err error)
}

// header takes n bytes off the credit and gives the header of their frame.
func (o *Out) header(n int) ([]byte, error) {
	if err := o.spend(uint32(n)); err != nil {
		return nil, err
	}
	b := make([]byte, HeaderLen)
	Header{TypeData, o.number, 0, uint32(n)}.put(b)
	return b, nil
}

// ReadFrom sends what src gives until its end, reading only when there is
// credit and never more than it. It returns nil at the end of src, ErrClosed
// when nobody reads any more, or the error of src or of the connection. It
// doesn't call Close.
func (o *Out) ReadFrom(src io.Reader) (int64, error) {
	chunk := min(firstChunk, o.most)
	frame := getBuffer(HeaderLen + chunk)
	defer func() { putBuffer(frame) }()
	var sum int64
	splicer, _ := src.(Splicer)
	for {
		credit, err := o.wait()
		if err != nil {
			return sum, err
		}
		if splicer != nil {
			n, err := splicer.Splice(min(int(credit), o.most), o.header)
			sum += int64(n)
			if err == io.EOF {
				return sum, nil
			}
			if err != nil {
				return sum, err
			}
			if n > 0 {
				continue
			}
		}
		n, err := src.Read(frame[HeaderLen : HeaderLen+min(chunk, int(credit))])
		if n > 0 {
			if serr := o.spend(uint32(n)); serr != nil {
				return sum, serr
			}
			Header{TypeData, o.number, 0, uint32(n)}.put(frame)
			if werr := o.relay.write(frame[:HeaderLen+n]); werr != nil {
				return sum, werr
			}
			sum += int64(n)
		}
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		if n == chunk && chunk < o.most {
			chunk = min(2*chunk, o.most)
			putBuffer(frame)
			frame = getBuffer(HeaderLen + chunk)
		}
	}
}

// Write sends b whole, waiting for credit as often as it takes.
func (o *Out) Write(b []byte) (int, error) {
	n, err := o.ReadFrom(&sliceReader{b})
	return int(n), err
}

type sliceReader struct{ b []byte }

func (s *sliceReader) Read(p []byte) (int, error) {
	n := copy(p, s.b)
	s.b = s.b[n:]
	if len(s.b) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// Stop has ReadFrom return err rather than begin another frame or wait for
// credit. Close can still say END.
func (o *Out) Stop(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop = err
	o.cond.Broadcast()
}

// Close sends END, unless the other side has closed the stream. It may be
// called twice.
func (o *Out) Close() error {
	o.mu.Lock()
	tell := !o.ended && !o.closed && o.err == nil
	o.ended = true
	o.cond.Broadcast()
	o.mu.Unlock()
	if tell {
		return o.relay.write(Frame(TypeEnd, o.number, 0, nil))
	}
	return nil
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

func (o *Out) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
	o.cond.Broadcast()
}
