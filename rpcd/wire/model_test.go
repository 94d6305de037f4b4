package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The relay against a simple model: two ends, joined by two lines that split
// and delay bytes; three streams with writers, readers, and closing on either
// side at any time. Time is synctest's: a deadlock fails at once, and no run
// waits for anything.

// line carries bytes one way, in pieces and with delays.
type line struct {
	rnd  *rand.Rand
	slow time.Duration
	mu   sync.Mutex
	cond *sync.Cond
	buf  []byte
	end  bool
}

func newLine(rnd *rand.Rand, slow time.Duration) *line {
	l := &line{rnd: rnd, slow: slow}
	l.cond = sync.NewCond(&l.mu)
	return l
}

func (l *line) pause() {
	if l.slow > 0 && l.rnd.IntN(4) == 0 {
		time.Sleep(time.Duration(l.rnd.Int64N(int64(l.slow))))
	}
}

func (l *line) Read(p []byte) (int, error) {
	l.pause()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) == 0 && !l.end {
		l.cond.Wait()
	}
	if len(l.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+l.rnd.IntN(5000))], l.buf)
	l.buf = l.buf[n:]
	return n, nil
}

func (l *line) send(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, b...)
	l.cond.Broadcast()
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = true
	l.cond.Broadcast()
}

// ledger is the model's view of one stream, by the frames that both sides
// write.
type ledger struct {
	mu                  sync.Mutex
	window              int
	granted, sent, read int
	ended, closed       bool
}

// watch checks a frame as it leaves, and passes it on.
func watch(t *testing.T, books map[uint8]*ledger, to *line) func([]byte) error {
	return func(frame []byte) error {
		h, err := ParseHeader(frame)
		if err != nil || int(h.Length) != len(frame)-HeaderLen {
			t.Errorf("wrote a bad frame: %+v, %v", h, err)
			return err
		}
		b := books[h.Stream]
		b.mu.Lock()
		defer b.mu.Unlock()
		switch h.Type {
		case TypeData:
			b.sent += int(h.Length)
			if b.sent > b.granted || h.Length == 0 || h.Length > MaxData {
				t.Errorf("stream %d: %d bytes sent with %d granted (the last %d)", h.Stream, b.sent, b.granted, h.Length)
			}
			if b.ended {
				t.Errorf("stream %d: DATA after END", h.Stream)
			}
		case TypeEnd:
			if b.ended {
				t.Errorf("stream %d: a second END", h.Stream)
			}
			b.ended = true
		case TypeClosed:
			if b.closed {
				t.Errorf("stream %d: a second CLOSED", h.Stream)
			}
			b.closed = true
		case TypeCredit:
			n := int(frame[8])<<24 | int(frame[9])<<16 | int(frame[10])<<8 | int(frame[11])
			b.granted += n
			if b.granted-b.read > b.window {
				t.Errorf("stream %d: %d granted, %d read: over the window of %d", h.Stream, b.granted, b.read, b.window)
			}
		}
		to.send(frame)
		return nil
	}
}

// plan is what happens to one stream.
type plan struct {
	number  uint8
	window  int
	bytes   int // the writer's, in all
	stopAt  int // the reader closes after so many; -1: never
	readGap time.Duration
}

// pattern is the byte at a place of a stream.
func pattern(stream uint8, at int) byte { return byte(at*7+at>>8) ^ stream }

func (p plan) String() string {
	return fmt.Sprintf("stream %d: %d bytes, window %d, closed at %d", p.number, p.bytes, p.window, p.stopAt)
}

// write writes a plan's bytes in pieces of any size, then END.
func (p plan) write(t *testing.T, rnd *rand.Rand, out *Out) error {
	for at := 0; at < p.bytes; {
		b := make([]byte, min(1+rnd.IntN(1+rnd.IntN(200_000)), p.bytes-at))
		for i := range b {
			b[i] = pattern(p.number, at+i)
		}
		var n int
		var err error
		if rnd.IntN(2) == 0 {
			n, err = out.Write(b)
		} else {
			var m int64
			m, err = out.ReadFrom(bytes.NewReader(b))
			n = int(m)
		}
		at += n
		if err != nil {
			return err
		}
		if n != len(b) {
			t.Errorf("%v: %d bytes of %d written without an error", p, n, len(b))
		}
	}
	return out.Close()
}

// read reads until the plan, or the stream, ends, and gives how much came.
func (p plan) read(t *testing.T, rnd *rand.Rand, in *In, book *ledger) (at int, err error) {
	for p.stopAt < 0 || at < p.stopAt {
		b, err := in.Next()
		if err != nil {
			return at, err
		}
		for i := range b {
			if b[i] != pattern(p.number, at+i) {
				t.Errorf("%v: byte %d is wrong", p, at+i)
				return at, errors.New("wrong bytes")
			}
		}
		at += len(b)
		book.mu.Lock()
		book.read = at
		book.mu.Unlock()
		if p.readGap > 0 && rnd.IntN(3) == 0 {
			time.Sleep(time.Duration(rnd.Int64N(int64(p.readGap))))
		}
	}
	return at, in.Close()
}

func TestRelayAgainstModel(t *testing.T) {
	runs := uint64(150)
	if testing.Short() {
		runs = 20
	}
	for run := range runs {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { relayRun(t, run) })
		})
	}
}

var errCut = errors.New("cut")

func relayRun(t *testing.T, run uint64) {
	source := rand.New(rand.NewPCG(run, 1))
	rnd := func() *rand.Rand { return rand.New(rand.NewPCG(source.Uint64(), 2)) }
	choose := rnd()
	slow := []time.Duration{0, time.Microsecond, time.Millisecond}[choose.IntN(3)]
	there, back := newLine(rnd(), slow), newLine(rnd(), slow)

	plans := make([]plan, 3)
	books := map[uint8]*ledger{}
	for i := range plans {
		p := &plans[i]
		*p = plan{number: uint8(i), window: []int{1, 3, 100, 4096, 32 << 10, 512 << 10}[choose.IntN(6)], stopAt: -1}
		p.bytes = choose.IntN(min(1+p.window*50, 1_000_000))
		if choose.IntN(3) == 0 {
			p.stopAt = choose.IntN(p.bytes + 1)
		}
		p.readGap = []time.Duration{0, time.Millisecond}[choose.IntN(2)]
		books[p.number] = &ledger{window: p.window, granted: p.window}
	}
	cut := choose.IntN(4) == 0

	// Stream 0 goes there, 1 and 2 come back, as in a call.
	a, b := NewRelay(watch(t, books, there)), NewRelay(watch(t, books, back))
	var all sync.WaitGroup
	aborted := false
	var mu sync.Mutex
	isAborted := func() bool { mu.Lock(); defer mu.Unlock(); return aborted }
	for _, p := range plans {
		from, to := a, b
		if p.number > 0 {
			from, to = b, a
		}
		in := to.In(p.number, uint32(p.window), uint32(p.window))
		out := from.Out(p.number, uint32(p.window))
		wr, rr := rnd(), rnd()
		all.Go(func() {
			err := p.write(t, wr, out)
			switch {
			case err == nil:
			case err == ErrClosed && p.stopAt >= 0:
			case err == errCut && isAborted():
			default:
				t.Errorf("%v: write: %v", p, err)
			}
		})
		all.Go(func() {
			n, err := p.read(t, rr, in, books[p.number])
			switch {
			case err == errCut && isAborted():
			case p.stopAt >= 0 && err == nil && n >= p.stopAt:
			case err == io.EOF && n == p.bytes: // whole; also where the reader never came to its Close
			default:
				t.Errorf("%v: read %d: %v", p, n, err)
			}
		})
	}
	var handlers sync.WaitGroup
	for _, way := range []struct {
		r *Relay
		l *line
	}{{a, back}, {b, there}} {
		handlers.Go(func() {
			for {
				h, err := ReadHeader(way.l)
				if err == nil {
					err = way.r.Handle(h, way.l)
				}
				if err == io.EOF || isAborted() {
					return
				}
				if err != nil {
					t.Errorf("handle: %v", err)
					return
				}
			}
		})
	}
	if cut {
		time.Sleep(time.Duration(choose.Int64N(int64(20 * time.Millisecond))))
		mu.Lock()
		aborted = true
		mu.Unlock()
		a.Abort(errCut)
		b.Abort(errCut)
	}
	all.Wait()
	there.close()
	back.close()
	handlers.Wait()
}
