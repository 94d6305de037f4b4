package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

// The relay goes one step after another. Before each of them a model says what
// the relay will do: which frames it sends, which bytes it gives out, which
// errors. model_test.go does the same for many goroutines, and checks less of
// each step.

// fuzzWindow is the window of the model's In, in bytes.
const fuzzWindow = 100

// steps is a relay with In 1 and Out 0, and the model of both.
type steps struct {
	t     *testing.T
	sent  bytes.Buffer
	relay *Relay

	in         *In
	manual     bool
	credit     int // what the other side may still send
	queue      [][]byte
	last, owed int
	inEnded    bool
	inClosed   bool

	out         *Out
	may         uint32 // what we may still send
	outEnded    bool
	outClosed   bool
	closedCalls int // of OnClosed
}

func newSteps(t *testing.T, manual bool) *steps {
	s := &steps{t: t, credit: fuzzWindow, may: 10, manual: manual}
	s.relay = NewRelay(func(frame []byte) error { s.sent.Write(frame); return nil })
	s.in, s.out = s.relay.In(1, fuzzWindow, fuzzWindow), s.relay.Out(0, 10)
	if manual {
		s.in.Manual()
	}
	s.out.OnClosed(func() { s.closedCalls++ })
	return s
}

// expect checks that a step sent these frames, and no others, and what holds
// after every step.
func (s *steps) expect(what string, frames ...[]byte) {
	s.t.Helper()
	if want := bytes.Join(frames, nil); !bytes.Equal(s.sent.Bytes(), want) {
		s.t.Fatalf("%s sent %x, not %x", what, s.sent.Bytes(), want)
	}
	s.sent.Reset()
	held := 0
	for _, b := range s.queue {
		held += len(b)
	}
	if !s.manual && s.credit+held+s.last > fuzzWindow {
		s.t.Fatalf("%s: %d bytes may come and %d are held: over the window", what, s.credit, held+s.last)
	}
	// What can't be seen from outside without waiting.
	if int(s.in.credit) != s.credit || s.out.credit != s.may {
		s.t.Fatalf("%s: %d bytes may come and %d go, not %d and %d", what, s.in.credit, s.out.credit, s.credit, s.may)
	}
	for _, p := range s.in.queue {
		held -= p.size()
	}
	if held != 0 {
		s.t.Fatalf("%s: %d bytes more or less are held than should be", what, -held)
	}
	if s.closedCalls > 1 || (s.closedCalls == 1) != s.outClosed {
		s.t.Fatalf("%s: OnClosed was called %d times", what, s.closedCalls)
	}
}

// handle gives the relay a frame, and says whether the connection goes on.
func (s *steps) handle(h Header, body []byte) bool {
	n := int(h.Length)
	var want error
	switch short := n > len(body); {
	case h.Type == TypeData && h.Stream == 1 && (s.inEnded || n == 0 || n > s.credit),
		h.Type == TypeEnd && (h.Stream != 1 || s.inEnded),
		h.Type == TypeCredit && h.Length != 4,
		h.Stream != 1 && (h.Type == TypeData || h.Type == TypeEnd),
		h.Stream != 0 && (h.Type == TypeClosed || h.Type == TypeCredit),
		h.Type < TypeData || h.Type > TypeCredit:
		want = ErrProtocol
	case short:
		want = io.ErrUnexpectedEOF
		if len(body) == 0 {
			want = io.EOF // as io.ReadFull says it
		}
	case h.Type == TypeData:
		s.credit -= n
		if !s.inClosed {
			s.arrive(body)
		}
	case h.Type == TypeEnd:
		s.inEnded = true
	case h.Type == TypeClosed:
		s.outClosed = true
	case h.Type == TypeCredit:
		if more := binary.BigEndian.Uint32(body); more > math.MaxInt32 || s.may > math.MaxInt32 {
			want = ErrProtocol
		} else {
			s.may += more
		}
	}
	r := bytes.NewReader(body)
	err := s.relay.Handle(h, r)
	if !errors.Is(err, want) {
		s.t.Fatalf("%+v with %d bytes: %v, not %v", h, len(body), err, want)
	}
	if want == nil && r.Len() != len(body)-n {
		s.t.Fatalf("%+v took %d bytes", h, len(body)-r.Len())
	}
	if want != nil { // the connection is over: nothing holds any more
		if s.sent.Len() > 0 {
			s.t.Fatalf("%+v, refused, sent %x", h, s.sent.Bytes())
		}
		return false
	}
	s.expect("a frame that came")
	return true
}

// due gives the CREDIT that leaves with a frame.
func (s *steps) due() []byte {
	if s.owed < fuzzWindow/4 || s.inEnded || s.inClosed {
		return nil
	}
	frame := credit(1, uint32(s.owed))
	s.credit += s.owed
	s.owed = 0
	return frame
}

// arrive queues bytes, with those before them where both are small.
func (s *steps) arrive(b []byte) {
	if last := len(s.queue) - 1; last >= 0 && len(s.queue[last])+len(b) <= PipeBuf {
		s.queue[last] = append(bytes.Clone(s.queue[last]), b...)
		return
	}
	s.queue = append(s.queue, b)
}

// next takes the next bytes, unless that would wait.
func (s *steps) next() {
	if len(s.queue) == 0 && !s.inEnded && !s.inClosed {
		return
	}
	var frame []byte
	if !s.manual {
		s.owed += s.last
	}
	if s.last > 0 {
		if frame = s.due(); frame != nil {
			frame[3] = FlagAnswer
		}
	}
	s.last = 0
	var want []byte
	var wantErr error
	switch {
	case s.inClosed:
		wantErr = ErrClosed
	case len(s.queue) > 0:
		want, s.queue = s.queue[0], s.queue[1:]
		s.last = len(want)
	default:
		wantErr = io.EOF
	}
	p, err := s.in.Next()
	if !bytes.Equal(p.Bytes, want) || err != wantErr {
		s.t.Fatalf("next: %x, %v; not %x, %v", p.Bytes, err, want, wantErr)
	}
	s.expect("next", frame)
}

func (s *steps) grant(n int) {
	var frame []byte
	if !s.inEnded && !s.inClosed {
		frame = credit(1, uint32(n))
		s.credit += n
	}
	if err := s.in.Grant(uint32(n)); err != nil {
		s.t.Fatal(err)
	}
	s.expect("grant", frame)
}

func (s *steps) closeIn() {
	var frame []byte
	if !s.inEnded && !s.inClosed {
		frame = closed(1)
	}
	s.inClosed, s.queue = true, nil
	if err := s.in.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.expect("closing the reading end", frame)
}

// write writes as much as there is credit for, or less.
func (s *steps) write(n int) {
	over := s.outEnded || s.outClosed
	if n = int(min(uint32(n), s.may)); n == 0 && !over {
		return // it would wait
	}
	b := bytes.Repeat([]byte{0xab}, max(n, 1))
	got, err := write(s.out, b)
	switch {
	case over && (got != 0 || err != ErrClosed), !over && (got != n || err != nil):
		s.t.Fatalf("writing %d bytes: %d, %v", n, got, err)
	case over:
		s.expect("writing what nobody reads")
	default:
		s.may -= uint32(n)
		s.expect("writing", Frame(TypeData, 0, 0, b), s.due())
	}
}

func (s *steps) closeOut() {
	var frame []byte
	if !s.outEnded && !s.outClosed {
		frame = append(end(0), s.due()...)
	}
	s.outEnded = true
	if err := s.out.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.expect("closing the writing end", frame)
}

// abort ends the connection: what came is still given out.
func (s *steps) abort() {
	gone := errors.New("gone")
	s.relay.Abort(gone)
	for range s.queue {
		if p, err := s.in.Next(); err != nil || len(p.Bytes) == 0 {
			s.t.Fatalf("what came before the end: %x, %v", p.Bytes, err)
		}
	}
	want := gone
	switch {
	case s.inClosed:
		want = ErrClosed
	case s.inEnded:
		want = io.EOF
	}
	if p, err := s.in.Next(); len(p.Bytes) != 0 || err != want {
		s.t.Fatalf("after the end: %x, %v; not %v", p.Bytes, err, want)
	}
	if n, err := write(s.out, []byte("x")); n != 0 || err != gone {
		s.t.Fatalf("writing after the end: %d, %v", n, err)
	}
	_, _ = s.in.Close(), s.out.Close()
	s.sent.Reset() // credit that Next gives may leave for nobody
}

// come gives the relay the first frame of b, and what follows it.
func (s *steps) come(b []byte) (rest []byte, goes bool) {
	h, err := ParseHeader(b)
	if err != nil {
		return nil, false
	}
	b = b[HeaderLen:]
	goes = s.handle(h, b[:min(int(h.Length), len(b))])
	return b[min(int(h.Length), len(b)):], goes
}

// do is one step of this side.
func (s *steps) do(op byte) {
	switch n := int(op >> 3); op & 7 {
	case 1:
		s.next()
	case 2:
		s.write(n)
	case 3:
		if s.manual {
			s.grant(n)
		}
	case 4:
		s.closeIn()
	case 5:
		s.closeOut()
	}
}

// FuzzRelay: after each frame that comes, one step of this side. Both are the
// fuzzer's to choose.
func FuzzRelay(f *testing.F) {
	all, _ := stream(f)
	f.Add(all, []byte{1, 2, 3}, false)
	ten := data(1, "0123456789")
	f.Add(bytes.Repeat(ten, 11), []byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, false)
	f.Add(bytes.Join([][]byte{ten, credit(0, 5), end(1), closed(0), closed(0)}, nil), []byte{4 << 3, 1, 10<<3 | 2, 1, 5}, true)
	f.Add(bytes.Join([][]byte{credit(0, 1<<31-1), credit(0, 1)}, nil), []byte{1<<3 | 2}, true)
	f.Add(bytes.Join([][]byte{ten, ten[:12]}, nil), []byte{}, true)
	f.Add(bytes.Join([][]byte{end(1), data(1, "x")}, nil), []byte{}, true)
	f.Add(bytes.Join([][]byte{end(1), end(1)}, nil), []byte{5}, true)
	f.Fuzz(func(t *testing.T, b, ops []byte, manual bool) {
		s := newSteps(t, manual)
		for goes := true; goes && (len(ops) > 0 || len(b) >= HeaderLen); {
			if len(ops) > 0 {
				s.do(ops[0])
				ops = ops[1:]
			}
			if len(b) >= HeaderLen {
				b, goes = s.come(b)
			}
		}
		s.abort()
	})
}

// TestRelaySteps is FuzzRelay with scripts that are mostly fair: the fuzzer's
// bytes seldom are.
func TestRelaySteps(t *testing.T) {
	for run := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(run, 3))
		script := func(t *testing.T) {
			s := newSteps(t, run%2 == 1)
			for goes := true; goes && rnd.IntN(60) > 0; {
				// The calls that end something are rare, or nothing else would be seen.
				if op := byte(rnd.IntN(256)); op&7 < 4 || rnd.IntN(10) == 0 {
					s.do(op)
				}
				var frame []byte
				switch n := rnd.IntN(40); {
				case n == 0:
					frame = end(1)
				case n == 1:
					frame = closed(0)
				case n == 2:
					frame = data(1, string(make([]byte, s.credit+1)))
				case n == 3:
					frame = credit(0, rnd.Uint32())
				case n == 4:
					frame = Frame([]Type{TypeData, TypeEnd, TypeClosed, TypeCredit, TypeHeartbeat}[rnd.IntN(5)], uint8(rnd.IntN(3)), 0, nil)
				case n < 12:
					frame = credit(0, uint32(rnd.IntN(20)))
				case n < 34 && s.credit > 0:
					frame = data(1, string(bytes.Repeat([]byte{byte(n)}, 1+rnd.IntN(s.credit))))
				default:
					continue
				}
				if rnd.IntN(200) == 0 {
					frame = frame[:max(HeaderLen, rnd.IntN(len(frame)))]
				}
				_, goes = s.come(frame)
			}
			s.abort()
		}
		// In a bubble a step that waits fails at once.
		if !t.Run(fmt.Sprint(run), func(t *testing.T) { synctest.Test(t, script) }) {
			return
		}
	}
}
