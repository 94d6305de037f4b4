package wire

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The relay against a simple model: two ends, joined by two lines; three
// streams with writers, readers, credit of any kind, and closing, cutting and
// leaving at any time. Time is synctest's: a deadlock fails at once, and no run
// waits for anything. steps_test.go says more of each step, and has no
// goroutines.
//
// A run's name is its seed: everything that is chosen follows from it, though
// not how the goroutines are scheduled.

var (
	modelTime = flag.Duration("model.time", 0, "how long TestRelayAgainstModel tries seeds, instead of a fixed number")
	modelSeed = flag.Uint64("model.seed", 0, "the only seed that TestRelayAgainstModel tries")
)

// ledger is the model's view of one stream, by the frames that both sides
// write.
type ledger struct {
	mu                  sync.Mutex
	line                bool
	window              int
	granted, sent, read int
	ended, closed       bool
	told                int // calls of OnClosed
}

// watch checks a frame as it leaves, and passes it on.
func watch(t *testing.T, books map[uint8]*ledger, to *line) func([]byte) error {
	return func(frame []byte) error {
		h, err := ParseHeader(frame)
		if err != nil || int(h.Length) != len(frame)-HeaderLen {
			t.Errorf("wrote a bad frame: %+v, %v", h, err)
			return err
		}
		books[h.Stream].leaves(t, h, frame[HeaderLen:])
		return to.send(frame)
	}
}

func (b *ledger) leaves(t *testing.T, h Header, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch h.Type {
	case TypeData:
		b.sent += int(h.Length)
		if b.sent > b.granted || h.Length == 0 || h.Length > MaxData {
			t.Errorf("stream %d: %d bytes sent with %d granted (the last %d)", h.Stream, b.sent, b.granted, h.Length)
		}
		if b.line { // a grant is for one frame
			b.granted = b.sent
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
		b.granted += int(payload[0])<<24 | int(payload[1])<<16 | int(payload[2])<<8 | int(payload[3])
		if b.granted-b.read > b.window {
			t.Errorf("stream %d: %d granted, %d read: over the window of %d", h.Stream, b.granted, b.read, b.window)
		}
	}
}

// fault: 31 kubernetes-noise
func TestRelayAgainstModel(t *testing.T) {
	try := func(seed uint64) bool {
		return t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { relayRun(t, seed) })
		})
	}
	began, runs := time.Now(), uint64(150)
	if testing.Short() {
		runs = 20
	}
	if *modelSeed > 0 {
		try(*modelSeed)
		return
	}
	for run := range runs { // the same ones each time
		if !try(run) {
			return
		}
	}
	first := uint64(began.UnixNano())
	tried := uint64(0)
	for ; tried < runs/2 || time.Since(began) < *modelTime; tried++ {
		if !try(first + tried) {
			t.Errorf("again: -run %s -args -model.seed %d", t.Name(), first+tried)
			return
		}
	}
	t.Logf("%d runs in %v", runs+tried, time.Since(began).Round(time.Second))
}

// side is one end: its relay, and the lines to and from the other.
type side struct {
	relay   *Relay
	to, frm *line
	send    func([]byte) error
}

// handle takes frames until the connection ends, as both binaries do: the
// first error ends it both ways.
func (s *side) handle(t *testing.T, cut bool) {
	for {
		h, err := ReadHeader(s.frm)
		if err == nil {
			err = s.relay.Handle(h, s.frm)
		}
		if err == nil {
			continue
		}
		if !cut && err != io.EOF || errors.Is(err, ErrProtocol) {
			t.Errorf("handle: %v", err)
		}
		s.relay.Abort(errCut)
		s.to.close()
		s.frm.close()
		return
	}
}

func relayRun(t *testing.T, seed uint64) {
	choices := rand.New(rand.NewPCG(seed, 1))
	rnd := func() *rand.Rand { return rand.New(rand.NewPCG(choices.Uint64(), 2)) }
	choose := rnd()
	slow := []time.Duration{0, time.Microsecond, time.Millisecond}[choose.IntN(3)]
	holds := []int{1, 100, 8192, 1 << 20}[choose.IntN(4)]

	plans := make([]plan, 3)
	books := map[uint8]*ledger{}
	for i := range plans {
		plans[i] = choosePlan(choose, uint8(i))
		p := &plans[i]
		if holds == 1 { // each byte on its own takes its time
			p.bytes, p.stopAt = p.bytes/20, min(p.stopAt, p.bytes/20)
		}
		books[p.number] = &ledger{line: p.line, window: p.window}
		if !p.manual {
			books[p.number].granted = p.window
		}
	}
	// A reset: one way breaks after some bytes, or one side leaves at some time.
	cutThere, cutBack, leaves := uncut, uncut, time.Duration(-1)
	switch choose.IntN(8) {
	case 0:
		cutThere = 1 + choose.IntN(1+choose.IntN(100_000))
	case 1:
		cutBack = 1 + choose.IntN(1+choose.IntN(100_000))
	case 2:
		leaves = time.Duration(choose.Int64N(int64(20 * time.Millisecond)))
	}
	cut := cutThere != uncut || cutBack != uncut || leaves >= 0

	// Stream 0 goes there, 1 and 2 come back, as in a call.
	there, back := newLine(rnd(), slow, holds, cutThere), newLine(rnd(), slow, holds, cutBack)
	a, b := &side{to: there, frm: back, send: watch(t, books, there)}, &side{to: back, frm: there, send: watch(t, books, back)}
	a.relay, b.relay = NewRelay(a.send), NewRelay(b.send)
	var all, handlers sync.WaitGroup
	for _, p := range plans {
		from, to, book := a, b, books[p.number]
		if p.number > 0 {
			from, to = b, a
		}
		in, out := to.relay.In(p.number, uint32(book.granted), uint32(p.window)), from.relay.Out(p.number, uint32(book.granted))
		sink := &sinkhole{t: t, plan: p, rnd: rnd(), in: in, book: book}
		if p.absorbs {
			in.Absorb(&store{rnd: rnd(), from: to.frm, to: sink})
		}
		switch {
		case p.line:
			in.Line()
			out.Line()
		case p.manual:
			in.Manual()
		}
		if p.frames > 0 {
			out.Frames(p.frames)
		}
		out.OnClosed(func() { book.told++ }) // the handler's goroutine
		wr := rnd()
		all.Go(func() {
			err := p.write(t, wr, out, from.send)
			if err != nil && !(err == ErrClosed && p.stopAt >= 0) && !(err == errCut && cut) {
				t.Errorf("%+v: write: %v", p, err)
			}
		})
		all.Go(func() {
			err := sink.read()
			switch {
			case err == io.EOF && sink.at == p.bytes: // whole, and only then; also where the reader never came to its stop
			case err == errEnough && p.stopAt >= 0 && sink.at >= p.stopAt:
			case err == errCut && cut:
			default:
				t.Errorf("%+v: read %d: %v", p, sink.at, err)
			}
			if err := in.Close(); err != nil && !cut {
				t.Errorf("%+v: close: %v", p, err)
			}
		})
	}
	handlers.Go(func() { a.handle(t, cut) })
	handlers.Go(func() { b.handle(t, cut) })
	if leaves >= 0 {
		time.Sleep(leaves)
		a.relay.Abort(errCut)
		there.close()
	}
	all.Wait()
	there.close()
	back.close()
	handlers.Wait()
	for _, p := range plans {
		book := books[p.number]
		if cut {
			continue
		}
		if !book.ended && !book.closed || p.stopAt < 0 && (!book.ended || book.closed || book.sent != p.bytes) {
			t.Errorf("%+v: in the end %+v", p, book)
		}
		if want := book.closed; want != (book.told == 1) || book.told > 1 {
			t.Errorf("%+v: CLOSED is %v, and OnClosed was called %d times", p, want, book.told)
		}
	}
}
