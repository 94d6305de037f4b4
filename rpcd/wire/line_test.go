package wire

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

var errCut = errors.New("cut")

// line carries bytes one way as a bridge may: split, joined, late, and no more
// of them on the way than it holds. It can be cut, within a frame too.
type line struct {
	rnd     *rand.Rand // the reader's
	slow    time.Duration
	holds   int
	sending chan struct{} // has one token: a frame leaves whole. No mutex: who waits for it must let synctest's time pass.

	mu   sync.Mutex
	cond sync.Cond
	buf  []byte
	left int // bytes until the cut
	end  bool
}

const uncut = 1 << 30

func newLine(rnd *rand.Rand, slow time.Duration, holds, left int) *line {
	l := &line{rnd: rnd, slow: slow, holds: holds, left: left, sending: make(chan struct{}, 1)}
	l.cond.L = &l.mu
	return l
}

func (l *line) Read(p []byte) (int, error) {
	if l.slow > 0 && l.rnd.IntN(4) == 0 {
		time.Sleep(time.Duration(l.rnd.Int64N(int64(l.slow))))
	}
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
	l.cond.Broadcast()
	return n, nil
}

// send waits until the line has taken b. After a cut what it took arrives, and
// then the end.
func (l *line) send(b []byte) error {
	l.sending <- struct{}{}
	defer func() { <-l.sending }()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(b) > 0 {
		for len(l.buf) >= l.holds && !l.end {
			l.cond.Wait()
		}
		if l.end {
			return errCut
		}
		n := min(len(b), l.holds-len(l.buf), l.left)
		l.buf = append(l.buf, b[:n]...)
		b = b[n:]
		if l.left -= n; l.left == 0 {
			l.end = true
		}
		l.cond.Broadcast()
	}
	return nil
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = true
	l.cond.Broadcast()
}

// source gives a stream's bytes in pieces of any size, by a DataFrame or, as if
// they were spliced, by itself.
type source struct {
	rnd     *rand.Rand
	number  uint8
	at, end int
	splices bool
	write   func(frame []byte) error
}

// pattern is the byte at a place of a stream.
func pattern(stream uint8, at int) byte { return byte(at*7+at>>8) ^ stream }

func (s *source) fill(p []byte) {
	for i := range p {
		p[i] = pattern(s.number, s.at+i)
	}
	s.at += len(p)
}

// sendTo sends everything up to end.
func (s *source) sendTo(ctx context.Context, out *Out) error {
	f := out.DataFrame()
	defer f.Free()
	for s.at < s.end {
		most, err := out.Credit(ctx)
		if err != nil {
			return err
		}
		most = min(most, s.end-s.at)
		if s.splices && s.rnd.IntN(3) > 0 {
			err = s.splice(out, 1+s.rnd.IntN(most))
		} else {
			room := f.Room(most)
			if len(room) > 1 && s.rnd.IntN(2) == 0 {
				room = room[:1+s.rnd.IntN(len(room))]
			}
			s.fill(room)
			err = f.Send(len(room), false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *source) splice(out *Out, n int) error {
	head, err := out.Header(n)
	if err != nil {
		return err
	}
	frame := append(head, make([]byte, n)...)
	s.fill(frame[len(head):])
	return s.write(frame)
}

// store keeps some of a stream's bytes, as a pipe does: never more than it has
// room for.
type store struct {
	rnd  *rand.Rand
	from *line
	in   *In

	mu  sync.Mutex
	buf []byte
}

// arrive takes a DATA frame off the line.
func (s *store) arrive(n int) error {
	wanted, err := s.in.Arrive(n)
	if err != nil {
		return err
	}
	if held := s.rnd.IntN(n + 1); wanted && held > 0 {
		b := make([]byte, held)
		if _, err := io.ReadFull(s.from, b); err != nil {
			return err
		}
		s.mu.Lock()
		s.buf = append(s.buf, b...)
		s.mu.Unlock()
		s.in.PushHeld(held)
		n -= held
	}
	return s.in.Receive(n, s.from)
}

// take gives the next n bytes.
func (s *store) take(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buf[:n:n]
	s.buf = s.buf[n:]
	return b
}
