package wire

import (
	"context"
	"errors"
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

// write writes a plan's bytes, in pieces, then END.
func (p plan) write(ctx context.Context, rnd *rand.Rand, out *Out, send func([]byte) error) error {
	src := &source{rnd: rnd, number: p.number, splices: p.splices, write: send}
	for src.at < p.bytes {
		src.end = min(src.at+1+rnd.IntN(1+rnd.IntN(200_000)), p.bytes)
		if err := src.sendTo(ctx, out); err != nil {
			return err
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
	held *store // nil: the stream is copied
	at   int
}

func (s *sinkhole) take(b []byte) error {
	for i := range b {
		if b[i] != pattern(s.plan.number, s.at+i) {
			s.t.Errorf("%+v: byte %d is wrong", s.plan, s.at+i)
			return errors.New("wrong bytes")
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
		return errEnough
	}
	if s.plan.line {
		return s.in.Grant(uint32(s.plan.window))
	}
	if s.plan.manual {
		if s.rnd.IntN(2) == 0 {
			s.in.ConsumedOfMany(len(b))
		} else {
			s.in.Consumed(len(b))
		}
	}
	return nil
}

// read reads until the plan, or the stream, ends: io.EOF, errEnough or the
// connection's error.
func (s *sinkhole) read() error {
	if s.plan.stopAt == 0 {
		return errEnough
	}
	if s.plan.manual {
		s.in.Consumed(0) // nothing else may bring the first credit
	}
	for {
		p, err := s.in.Next()
		if err != nil {
			return err
		}
		b := p.Bytes
		if b == nil {
			b = s.held.take(p.Held)
		}
		if err := s.take(b); err != nil {
			return err
		}
	}
}
