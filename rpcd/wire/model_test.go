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

// The relay is compared with a simple model. Two ends are joined by two lines,
// and three streams have a writer, a reader and credit of any kind. A reader
// closes, a line is cut and a side leaves at any time. Time is synctest's: a
// deadlock fails at once, and no run waits for anything. steps_test.go checks
// more of each step, without goroutines.
//
// A run's name is its seed. All choices follow from it, but not how the
// goroutines are scheduled.

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
	closedCalls         int // of OnClosed
}

// watch checks frames as they leave, and passes them on.
func watch(t *testing.T, books map[uint8]*ledger, to *line) func([]byte) error {
	return func(frames []byte) error {
		for rest := frames; len(rest) > 0; {
			h, err := ParseHeader(rest)
			if err != nil || int(h.Length) > len(rest)-HeaderLen {
				t.Errorf("wrote a bad frame: %+v, %v", h, err)
				return err
			}
			end := HeaderLen + int(h.Length)
			if h.Type != TypeHeartbeat {
				books[h.Stream].leaves(t, h, rest[HeaderLen:end])
			}
			rest = rest[end:]
		}
		return to.send(frames)
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
	stores  map[uint8]*store // of the streams whose bytes it keeps elsewhere
}

// handle takes frames until the connection ends, as both binaries do: the
// first error ends it both ways.
func (s *side) handle(t *testing.T, cut bool) {
	for {
		h, err := ReadHeader(s.frm)
		if err == nil {
			err = s.frame(h)
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

func (s *side) frame(h Header) error {
	if st := s.stores[h.Stream]; st != nil && h.Type == TypeData {
		return st.arrive(int(h.Length))
	}
	if h.Type == TypeHeartbeat {
		s.relay.Heartbeat(h)
		return nil
	}
	return s.relay.Handle(h, s.frm)
}

// quiet waits until no HEARTBEAT is on its way out, and none will be: the end of the
// connection would cut it.
func (s *side) quiet() {
	turn := &s.relay.turn
	turn.end()
	for saying := true; saying; {
		turn.mu.Lock()
		saying = turn.saying
		turn.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

// run is one run of the model.
type run struct {
	t             *testing.T
	choices       *rand.Rand
	plans         []plan
	books         map[uint8]*ledger
	a, b          *side // stream 0 goes from a to b, 1 and 2 come back, as in a call
	cut           bool  // the connection ends before its time
	all, handlers sync.WaitGroup
}

// rnd gives a goroutine its own randomness.
func (r *run) rnd() *rand.Rand { return rand.New(rand.NewPCG(r.choices.Uint64(), 2)) }

func relayRun(t *testing.T, seed uint64) {
	r := &run{t: t, choices: rand.New(rand.NewPCG(seed, 1)), books: map[uint8]*ledger{}}
	leaves := r.connect(r.rnd())
	for _, p := range r.plans {
		r.stream(p)
	}
	r.handlers.Go(func() { r.a.handle(t, r.cut) })
	r.handlers.Go(func() { r.b.handle(t, r.cut) })
	if leaves >= 0 {
		time.Sleep(leaves)
		r.a.relay.Abort(errCut)
		r.a.to.close()
	}
	r.all.Wait()
	r.a.quiet()
	r.b.quiet()
	r.a.to.close()
	r.b.to.close()
	r.handlers.Wait()
	for _, p := range r.plans {
		r.check(p)
	}
}

// connect makes the plans, the two lines and the two sides. leaves is after how
// long side a leaves; negative: never.
func (r *run) connect(choose *rand.Rand) (leaves time.Duration) {
	slow := []time.Duration{0, time.Microsecond, time.Millisecond}[choose.IntN(3)]
	holds := []int{1, 100, 8192, 1 << 20}[choose.IntN(4)]
	for i := range 3 {
		p := choosePlan(choose, uint8(i))
		if holds == 1 { // each byte on its own takes its time
			p.bytes, p.stopAt = p.bytes/20, min(p.stopAt, p.bytes/20)
		}
		r.plans = append(r.plans, p)
		r.books[p.number] = &ledger{line: p.line, window: p.window}
		if !p.manual {
			r.books[p.number].granted = p.window
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
	r.cut = cutThere != uncut || cutBack != uncut || leaves >= 0
	there, back := newLine(r.rnd(), slow, holds, cutThere), newLine(r.rnd(), slow, holds, cutBack)
	r.a = &side{to: there, frm: back, send: watch(r.t, r.books, there), stores: map[uint8]*store{}}
	r.b = &side{to: back, frm: there, send: watch(r.t, r.books, back), stores: map[uint8]*store{}}
	r.a.relay, r.b.relay = NewRelay(r.a.send), NewRelay(r.b.send)
	if choose.IntN(2) == 0 {
		r.a.relay.Bridged(func() bool { return false })
		r.b.relay.Bridged(func() bool { return false })
	}
	return leaves
}

// stream makes both ends of a stream, and begins to write and to read it.
func (r *run) stream(p plan) {
	from, to, book := r.a, r.b, r.books[p.number]
	if p.number > 0 {
		from, to = r.b, r.a
	}
	book.mu.Lock() // CREDIT rides with frames of streams that are there already
	granted := uint32(book.granted)
	book.mu.Unlock()
	in, out := to.relay.In(p.number, granted, uint32(p.window)), from.relay.Out(p.number, granted)
	sink := &sinkhole{t: r.t, plan: p, rnd: r.rnd(), in: in, book: book}
	if p.absorbs {
		sink.held = &store{rnd: r.rnd(), from: to.frm, in: in}
		to.stores[p.number] = sink.held
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
	out.OnClosed(func() { book.closedCalls++ }) // in the handler's goroutine
	wr := r.rnd()
	r.all.Go(func() {
		err := p.write(r.t.Context(), wr, out, from.send)
		if err != nil && !(err == ErrClosed && p.stopAt >= 0) && !(err == errCut && r.cut) {
			r.t.Errorf("%+v: write: %v", p, err)
		}
	})
	r.all.Go(func() {
		r.read(p, sink)
		if err := in.Close(); err != nil && !r.cut {
			r.t.Errorf("%+v: close: %v", p, err)
		}
	})
}

// read reads a stream to its end, which has to be the plan's.
func (r *run) read(p plan, sink *sinkhole) {
	err := sink.read()
	switch {
	case err == io.EOF && sink.at == p.bytes: // whole, and only then; also where the reader never came to its stop
	case err == errEnough && p.stopAt >= 0 && sink.at >= p.stopAt:
	case err == errCut && r.cut:
	default:
		r.t.Errorf("%+v: read %d: %v", p, sink.at, err)
	}
}

// check looks at the frames that were seen of a stream, when all is over.
func (r *run) check(p plan) {
	book := r.books[p.number]
	if r.cut {
		return
	}
	if !book.ended && !book.closed || p.stopAt < 0 && (!book.ended || book.closed || book.sent != p.bytes) {
		r.t.Errorf("%+v: in the end %+v", p, book)
	}
	if want := book.closed; want != (book.closedCalls == 1) || book.closedCalls > 1 {
		r.t.Errorf("%+v: CLOSED is %v, and OnClosed was called %d times", p, want, book.closedCalls)
	}
}
