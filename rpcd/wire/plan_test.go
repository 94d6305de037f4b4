package wire

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// plan is what happens to one stream.
type plan struct {
	number  uint8
	window  int
	bytes   int // the writer's, in all
	stopAt  int // the reader closes after so many; -1: never
	manual  bool
	line    bool
	frames  int // bytes of a frame; 0: as it comes
	splices bool
	absorbs bool
	readGap time.Duration
}

func choosePlan(rnd *rand.Rand, number uint8) plan {
	p := plan{number: number, window: []int{1, 3, 100, 4096, 32 << 10, 512 << 10}[rnd.IntN(6)], stopAt: -1}
	p.bytes = rnd.IntN(min(1+p.window*50, 1_000_000))
	if rnd.IntN(3) == 0 {
		p.stopAt = rnd.IntN(p.bytes + 1)
	}
	switch rnd.IntN(4) {
	case 0:
		p.manual = true
	case 1:
		p.manual, p.line = true, true
		p.bytes = min(p.bytes, 100*p.window)
		p.stopAt = min(p.stopAt, p.bytes)
	}
	if rnd.IntN(3) == 0 {
		p.frames = 1 + rnd.IntN(8192)
	}
	p.splices = rnd.IntN(2) == 0
	p.absorbs = rnd.IntN(2) == 0 && !p.line // a line would be granted again for each of its two parts
	p.readGap = []time.Duration{0, time.Millisecond}[rnd.IntN(2)]
	return p
}

// write writes a plan's bytes, at once or in pieces, then END.
func (p plan) write(t *testing.T, rnd *rand.Rand, out *Out, send func([]byte) error) error {
	src := &source{rnd: rnd, number: p.number, splices: p.splices, write: send}
	for src.at < p.bytes {
		at := src.at
		n := min(1+rnd.IntN(1+rnd.IntN(200_000)), p.bytes-at)
		var done int64
		var err error
		if rnd.IntN(2) == 0 {
			src.end = at + n
			done, err = out.ReadFrom(src)
		} else {
			b := make([]byte, n)
			src.fill(b)
			var m int
			m, err = out.Write(b)
			done = int64(m)
		}
		if err != nil {
			return err
		}
		if done != int64(n) {
			t.Errorf("%+v: %d bytes of %d written without an error", p, done, n)
		}
	}
	return out.Close()
}

var errEnough = errors.New("the reader has enough")

// sinkhole checks a plan's bytes as they arrive, and grants again.
type sinkhole struct {
	t    *testing.T
	plan plan
	rnd  *rand.Rand
	in   *In
	book *ledger
	at   int
}

func (s *sinkhole) Write(b []byte) (int, error) {
	for i := range b {
		if b[i] != pattern(s.plan.number, s.at+i) {
			s.t.Errorf("%+v: byte %d is wrong", s.plan, s.at+i)
			return i, errors.New("wrong bytes")
		}
	}
	s.at += len(b)
	s.book.mu.Lock()
	s.book.read = s.at
	s.book.mu.Unlock()
	if s.plan.readGap > 0 && s.rnd.IntN(3) == 0 {
		time.Sleep(time.Duration(s.rnd.Int64N(int64(s.plan.readGap))))
	}
	if s.plan.stopAt >= 0 && s.at >= s.plan.stopAt {
		return len(b), errEnough
	}
	if s.plan.line {
		return len(b), s.in.Grant(uint32(s.plan.window))
	}
	if s.plan.manual {
		return len(b), s.in.Grant(uint32(len(b)))
	}
	return len(b), nil
}

// read reads until the plan, or the stream, ends: io.EOF, errEnough or the
// connection's error.
func (s *sinkhole) read() error {
	if s.plan.stopAt == 0 {
		return errEnough
	}
	if s.plan.manual {
		if err := s.in.Grant(uint32(s.plan.window)); err != nil {
			return err
		}
	}
	if s.plan.absorbs || s.rnd.IntN(2) == 0 {
		_, err := s.in.WriteTo(s)
		if err == nil {
			err = io.EOF
		}
		return err
	}
	for {
		b, err := s.in.Next()
		if err != nil {
			return err
		}
		if _, err := s.Write(b); err != nil {
			return err
		}
	}
}
