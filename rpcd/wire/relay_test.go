package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// sink keeps the frames that a relay writes.
type sink struct {
	bytes.Buffer
	fail error
}

func (s *sink) write(frame []byte) error {
	if s.fail != nil {
		return s.fail
	}
	s.Write(frame)
	return nil
}

// next takes one frame, or gives a zero header where there is none.
func (s *sink) next(t *testing.T) (Header, []byte) {
	t.Helper()
	if s.Len() == 0 {
		return Header{}, nil
	}
	h, err := ReadHeader(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadPayload(s, h)
	if err != nil {
		t.Fatal(err)
	}
	return h, b
}

func (s *sink) none(t *testing.T) {
	t.Helper()
	if h, b := s.next(t); h != (Header{}) {
		t.Errorf("a %v frame of %d bytes, want none", h.Type, len(b))
	}
}

// handle gives r a frame.
func handle(r *Relay, frame []byte) error {
	h, err := ParseHeader(frame)
	if err != nil {
		return err
	}
	return r.Handle(h, bytes.NewReader(frame[HeaderLen:]))
}

func data(stream uint8, s string) []byte { return Frame(TypeData, stream, 0, []byte(s)) }

func end(stream uint8) []byte { return Frame(TypeEnd, stream, 0, nil) }

func closed(stream uint8) []byte { return Frame(TypeClosed, stream, 0, nil) }

// next asks in for bytes.
func next(t *testing.T, in *In, want string, wantErr error) {
	t.Helper()
	if p, err := in.Next(); string(p.Bytes) != want || err != wantErr || p.Held != 0 {
		t.Errorf("next: %q, %v; want %q, %v", p.Bytes, err, want, wantErr)
	}
}

// copyFrom sends what src gives, as the users of an Out do: it reads only what
// Credit allows. The end of src is no error.
func copyFrom(ctx context.Context, out *Out, src io.Reader) (sum int, err error) {
	f := out.DataFrame()
	defer f.Free()
	for {
		most, err := out.Credit(ctx)
		if err != nil {
			return sum, err
		}
		n, err := src.Read(f.Room(most))
		if n > 0 {
			if err := f.Send(n, false); err != nil {
				return sum, err
			}
			sum += n
		}
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}

// write sends b, which isn't empty, whole.
func write(out *Out, b []byte) (int, error) {
	return copyFrom(context.Background(), out, iotest.DataErrReader(bytes.NewReader(b)))
}

// The last frame of each list ends the connection. The relay has In 1 and Out 0,
// each with a credit of 10.
// fault: 27 kubernetes-nonsense
func TestProtocolViolations(t *testing.T) {
	for what, frames := range map[string][][]byte{
		"DATA over the credit":              {data(1, "01234567890")},
		"DATA over the rest of the credit":  {data(1, "01234567"), data(1, "890")},
		"DATA after END":                    {end(1), data(1, "x")},
		"END after END":                     {end(1), end(1)},
		"DATA of a stream that isn't":       {data(7, "x")},
		"DATA of a stream the other way":    {data(0, "x")},
		"END of a stream that isn't":        {end(2)},
		"END of a stream the other way":     {end(0)},
		"empty DATA":                        {data(1, "")},
		"CLOSED of a stream that isn't":     {closed(9)},
		"CLOSED of a stream the other way":  {closed(1)},
		"CREDIT for a stream the other way": {credit(1, 1)},
		"CREDIT for a stream that isn't":    {credit(3, 1)},
		"CREDIT without measure":            {credit(0, math.MaxUint32)},
		"CREDIT over and over":              {credit(0, 1<<30), credit(0, 1<<30), credit(0, 1<<30)},
		"CREDIT of no bytes":                {Frame(TypeCredit, 0, 0, nil)},
		"CREDIT of three bytes":             {Frame(TypeCredit, 0, 0, []byte("abc"))},
		"another frame":                     {Frame(TypeHeartbeat, 0, 0, nil)},
	} {
		var s sink
		r := NewRelay(s.write)
		r.In(1, 10, 10)
		r.Out(0, 10)
		for i, f := range frames {
			err := handle(r, f)
			if last := i == len(frames)-1; last != (err != nil) || err != nil && !errors.Is(err, ErrProtocol) {
				t.Errorf("%s, frame %d: %v", what, i, err)
			}
		}
		s.none(t)
	}
}

// A refused DATA takes no memory and reads nothing.
func TestDataOverCreditIsNotRead(t *testing.T) {
	r := NewRelay(new(sink).write)
	r.In(1, 10, 10)
	g := &greedy{left: MaxData}
	if err := r.Handle(Header{TypeData, 1, 0, MaxData}, g); !errors.Is(err, ErrProtocol) || g.given != 0 || g.worst != 0 {
		t.Errorf("%v; %d bytes read", err, g.given)
	}
}

func TestConnectionEndsWithinAFrame(t *testing.T) {
	r := NewRelay(new(sink).write)
	in := r.In(1, 10, 10)
	r.Out(0, 0)
	for h, body := range map[Header]string{
		{TypeData, 1, 0, 5}:   "abc",
		{TypeCredit, 0, 0, 4}: "abc",
	} {
		err := r.Handle(h, strings.NewReader(body))
		if err != io.ErrUnexpectedEOF {
			t.Errorf("half a %v: %v, want an unexpected EOF", h.Type, err)
		}
	}
	r.Abort(io.ErrUnexpectedEOF)
	next(t, in, "", io.ErrUnexpectedEOF) // half a frame is never given out
}

// Frames of a byte cost little more than their window, and what waited for long can be
// written in pieces of PipeBuf.
// fault: 122
func TestSmallFramesAreJoined(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 64<<10, 64<<10)
	arrive := func(sizes ...int) {
		t.Helper()
		for _, n := range sizes {
			if err := handle(r, data(1, strings.Repeat("x", n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	sizes := func() (all []int) {
		for _, p := range in.queue {
			all = append(all, p.size())
		}
		return all
	}
	for range 3*PipeBuf + 1 {
		arrive(1)
	}
	if got, want := sizes(), []int{PipeBuf, PipeBuf, PipeBuf, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	memory := 0
	for _, p := range in.queue {
		memory += cap(p.Bytes)
	}
	if memory > 2*(3*PipeBuf+1) {
		t.Errorf("%d bytes of memory", memory)
	}
	arrive(PipeBuf, 10) // one more would take the first out of its page
	in.PushHeld(1)
	in.PushHeld(2)
	arrive(5)
	if got, want := sizes()[3:], []int{1, PipeBuf, 10, 3, 5}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A stream that nobody reads any more keeps nothing, also of what its reader has.
// fault: 120
func TestClosedStreamKeepsNothing(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 64<<10, 64<<10)
	for range 2 {
		if err := handle(r, data(1, strings.Repeat("x", 20_000))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.Next(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if in.given.Bytes != nil || in.queue != nil {
		t.Errorf("%d bytes, %d pieces", len(in.given.Bytes), len(in.queue))
	}
}

func TestInOrder(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 100, 100)
	for _, f := range [][]byte{data(1, "ab"), data(1, "c"), end(1)} {
		if err := handle(r, f); err != nil {
			t.Fatal(err)
		}
	}
	next(t, in, "abc", nil) // small frames are joined
	next(t, in, "", io.EOF)
	next(t, in, "", io.EOF)
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	s.none(t) // no credit for a stream that has ended, and no CLOSED
}

// With half of the window left the other side can wait: from a quarter on, credit
// leaves with the next frame, and none before. With less it goes by itself, and asks
// for an answer.
func TestCreditRides(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in, out := r.In(0, 100, 100, (*In).Manual), r.Out(1, 100)
	ask := func(n int) {
		t.Helper()
		if err := handle(r, data(0, strings.Repeat("q", n))); err != nil {
			t.Fatal(err)
		}
		next(t, in, strings.Repeat("q", n), nil)
		in.Consumed(n)
	}
	turn := func(n int) {
		t.Helper()
		ask(n)
		s.none(t)
		if _, err := write(out, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		if h, _ := s.next(t); h.Type != TypeData {
			t.Errorf("%v instead of the answer", h.Type)
		}
	}
	for range 3 {
		turn(8)
		s.none(t)
	}
	turn(12)
	if h, b := s.next(t); h != (Header{TypeCredit, 0, 0, 4}) || string(b) != "\x00\x00\x00\x24" {
		t.Errorf("%+v %x, want a CREDIT of 36", h, b)
	}
	s.none(t)
	ask(51)
	if h, b := s.next(t); h != (Header{TypeCredit, 0, FlagAnswer, 4}) || string(b) != "\x00\x00\x00\x33" {
		t.Errorf("%+v %x, want a CREDIT of 51", h, b)
	}
	s.none(t)
}

// Where more follows at once, each byte is credited at once.
func TestCreditOfMany(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(0, 100, 100, (*In).Manual)
	for _, more := range []bool{true, false} {
		var theirs bytes.Buffer
		out := NewRelay(func(b []byte) error { theirs.Write(b); return nil }).Out(0, 100)
		f := out.DataFrame()
		copy(f.Room(1), "x")
		if err := f.Send(1, more); err != nil {
			t.Fatal(err)
		}
		f.Free()
		if err := handle(r, theirs.Bytes()); err != nil {
			t.Fatal(err)
		}
		if p, err := in.Next(); err != nil || string(p.Bytes) != "x" || p.More != more {
			t.Errorf("%+v, %v", p, err)
		}
	}
	in.Consumed(1)
	s.none(t)
	in.ConsumedOfMany(1)
	if h, b := s.next(t); h != (Header{TypeCredit, 0, FlagAnswer, 4}) || string(b) != "\x00\x00\x00\x02" {
		t.Errorf("%+v %x, want a CREDIT of 2", h, b)
	}
}

func TestCreditComesBackInQuarters(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 50_000, 50_000)
	large := strings.Repeat("x", 5000) // it isn't joined with others
	for range 6 {
		if err := handle(r, data(1, large)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		next(t, in, large, nil)
	}
	s.none(t)
	next(t, in, large, nil) // the first three are read away: 15,000 of 50,000
	if h, b := s.next(t); h != (Header{TypeCredit, 1, FlagAnswer, 4}) || string(b) != "\x00\x00\x3a\x98" {
		t.Errorf("%+v %x, want a CREDIT of 15,000", h, b)
	}
	s.none(t)
}

// The first credit leaves with STARTED, and what ends a call with EXIT: one write
// each.
func TestOneWrite(t *testing.T) {
	var writes [][]byte
	r := NewRelay(func(b []byte) error { writes = append(writes, bytes.Clone(b)); return nil })
	want := func(frames ...[]byte) {
		t.Helper()
		if len(writes) != 1 || !bytes.Equal(writes[0], bytes.Join(frames, nil)) {
			t.Errorf("%x, want %x in one write", writes, frames)
		}
		writes = nil
	}
	r.In(0, 0, 100)
	stdout, stderr := r.Out(1, 10), r.Out(2, 10)
	started, exit := Frame(TypeStarted, 0, 0, nil), Frame(TypeExit, 0, 0, nil)
	if err := r.Write(started); err != nil {
		t.Fatal(err)
	}
	want(started, credit(0, 100))
	synctest.Test(t, func(t *testing.T) {
		r.sending = make(chan struct{}, 1) // the bubble's
		stdout.CloseSoon()
		stderr.CloseSoon()
		if err := r.WriteLast(exit); err != nil {
			t.Fatal(err)
		}
		want(end(1), end(2), exit)
		time.Sleep(2 * endWait)
		if len(writes) > 0 {
			t.Errorf("%x after EXIT", writes)
		}
	})
}

func TestCloseIn(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 10, 10)
	if err := handle(r, data(1, "abc")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if h, _ := s.next(t); h != (Header{TypeClosed, 1, 0, 0}) {
		t.Errorf("%+v, want CLOSED", h)
	}
	s.none(t) // once
	next(t, in, "", ErrClosed)
	// What was on its way is discarded, but not what is over the credit.
	for _, f := range [][]byte{data(1, "defg"), data(1, "hij")} {
		if err := handle(r, f); err != nil {
			t.Errorf("DATA on its way: %v", err)
		}
	}
	if err := handle(r, data(1, "k")); !errors.Is(err, ErrProtocol) {
		t.Errorf("DATA over the credit of a closed stream: %v", err)
	}
	if err := handle(r, end(1)); err != nil {
		t.Errorf("an END that crossed the CLOSED: %v", err)
	}
	if err := in.Grant(5); err != nil {
		t.Error(err)
	}
	s.none(t)
}

func TestCloseOut(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	out := r.Out(0, 10)
	for range 2 {
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if h, _ := s.next(t); h != (Header{TypeEnd, 0, 0, 0}) {
		t.Errorf("%+v, want END", h)
	}
	s.none(t)
	if n, err := write(out, []byte("x")); n != 0 || err != ErrClosed {
		t.Errorf("write after Close: %d, %v", n, err)
	}
	for _, f := range [][]byte{credit(0, 5), closed(0)} { // crossed the END
		if err := handle(r, f); err != nil {
			t.Error(err)
		}
	}
	s.none(t)
}

func TestClosedByTheOtherSide(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	out := r.Out(0, 10)
	called := 0
	out.OnClosed(func() { called++ })
	if err := handle(r, closed(0)); err != nil {
		t.Fatal(err)
	}
	_ = handle(r, closed(0))
	if called != 1 {
		t.Errorf("OnClosed was called %d times", called)
	}
	if n, err := write(out, []byte("x")); n != 0 || err != ErrClosed {
		t.Errorf("write: %d, %v; want 0, ErrClosed", n, err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	s.none(t) // "after CLOSED the sender stops and sends no END"
}

// Nothing leaves past the credit, and bytes that wait leave when it comes.
func TestWriteWaitsForCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r := NewRelay(s.write)
		out := r.Out(0, 3)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if n, err := write(out, []byte("abcdefgh")); n != 8 || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
		}()
		sent := ""
		for _, grant := range []uint32{0, 1, 2, 100} {
			if grant > 0 {
				if err := handle(r, credit(0, grant)); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			h, b := s.next(t)
			if want := min(max(int(grant), 1), 8); h.Type != TypeData || (grant != 0 && grant != 100 && len(b) != want) {
				t.Errorf("a grant of %d: %v of %d bytes", grant, h.Type, len(b))
			}
			sent += string(b)
			s.none(t)
		}
		<-done
		if sent != "abcdefgh" {
			t.Errorf("sent %q", sent)
		}
	})
}

// Whoever waits is woken by the end of the connection, by Close, by CLOSED.
func TestWaitersAreWoken(t *testing.T) {
	gone := errors.New("gone")
	for what, c := range map[string]struct {
		do      func(r *Relay, in *In, out *Out)
		in, out error
	}{
		"Abort": {func(r *Relay, _ *In, _ *Out) { r.Abort(gone); r.Abort(io.EOF) }, gone, gone},
		"Close": {func(_ *Relay, in *In, out *Out) { in.Close(); out.Close() }, ErrClosed, ErrClosed},
		"frames": {func(r *Relay, _ *In, _ *Out) {
			if err := errors.Join(handle(r, closed(0)), handle(r, end(1))); err != nil {
				panic(err)
			}
		}, io.EOF, ErrClosed},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRelay(new(sink).write)
				in, out := r.In(1, 1, 1), r.Out(0, 0)
				inErr, outErr := make(chan error, 1), make(chan error, 1)
				go func() { _, err := in.Next(); inErr <- err }()
				go func() { _, err := write(out, []byte("x")); outErr <- err }()
				synctest.Wait()
				c.do(r, in, out)
				if err := <-inErr; err != c.in {
					t.Errorf("a waiting Next: %v, want %v", err, c.in)
				}
				if err := <-outErr; err != c.out {
					t.Errorf("a waiting Write: %v, want %v", err, c.out)
				}
			})
		})
	}
}

// What came before the end of the connection is still given out.
func TestAbortAfterData(t *testing.T) {
	gone := errors.New("gone")
	r := NewRelay(new(sink).write)
	in := r.In(1, 10, 10)
	if err := handle(r, data(1, "abc")); err != nil {
		t.Fatal(err)
	}
	r.Abort(gone)
	next(t, in, "abc", nil)
	next(t, in, "", gone)
	// A stream that is added later has ended, too.
	next(t, r.In(2, 10, 10), "", gone)
	if _, err := write(r.Out(0, 10), []byte("x")); err != gone {
		t.Errorf("an Out after Abort: %v", err)
	}
}

func TestWriteFails(t *testing.T) {
	gone := errors.New("gone")
	s := &sink{fail: gone}
	r := NewRelay(s.write)
	if _, err := write(r.Out(0, 10), []byte("x")); err != gone {
		t.Errorf("write: %v", err)
	}
}

// A source is read only where there is credit, and never for more.
func TestCreditBoundsWhatIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r := NewRelay(s.write)
		out := r.Out(0, 5)
		src := &greedy{left: 1 << 20}
		done := make(chan error)
		go func() { _, err := copyFrom(t.Context(), out, src); done <- err }()
		synctest.Wait()
		if src.given != 5 {
			t.Errorf("%d bytes were read with a credit of 5", src.given)
		}
		r.Abort(io.EOF)
		if err := <-done; err != io.EOF {
			t.Error(err)
		}
	})
}

// The end of its context ends a wait for credit, and goes before credit that is
// there. The stream still ends with END.
func TestCreditWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		enough := errors.New("enough")
		r := NewRelay(s.write)
		out := r.Out(0, 2)
		ctx, stop := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { _, err := copyFrom(ctx, out, strings.NewReader("abc")); done <- err }()
		synctest.Wait()
		if _, b := s.next(t); string(b) != "ab" {
			t.Errorf("%q", b)
		}
		stop(enough)
		if err := <-done; err != enough {
			t.Error(err)
		}
		if err := handle(r, credit(0, 10)); err != nil {
			t.Fatal(err)
		}
		if n, err := out.Credit(ctx); n != 0 || err != enough {
			t.Errorf("%d, %v", n, err)
		}
		s.none(t)
		if n, err := out.Credit(t.Context()); n != 10 || err != nil {
			t.Errorf("with another context: %d, %v", n, err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		if h, _ := s.next(t); h.Type != TypeEnd {
			t.Errorf("%v, want END", h.Type)
		}
	})
}

// Nothing is sent of a stream that has ended since Credit, by neither way.
func TestEndBetweenCreditAndSend(t *testing.T) {
	gone := errors.New("gone")
	for what, c := range map[string]struct {
		do   func(r *Relay) error
		want error
	}{
		"CLOSED": {func(r *Relay) error { return handle(r, closed(0)) }, ErrClosed},
		"Abort":  {func(r *Relay) error { r.Abort(gone); return nil }, gone},
	} {
		var s sink
		r := NewRelay(s.write)
		out := r.Out(0, 10)
		if n, err := out.Credit(t.Context()); n != 10 || err != nil {
			t.Fatal(n, err)
		}
		if err := c.do(r); err != nil {
			t.Fatal(err)
		}
		f := out.DataFrame()
		copy(f.Room(10), "abc")
		if err := f.Send(3, false); err != c.want {
			t.Errorf("%s, then Send: %v, want %v", what, err, c.want)
		}
		if h, err := out.Header(3); h != nil || err != c.want {
			t.Errorf("%s, then Header: %x, %v, want %v", what, h, err, c.want)
		}
		s.none(t)
	}
}

// What lies elsewhere keeps its place in the stream, and gets credit again.
func TestHeld(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 10, 10)
	if wanted, err := in.Arrive(7); !wanted || err != nil {
		t.Fatal(wanted, err)
	}
	in.PushHeld(4)
	if err := in.Receive(3, strings.NewReader("abcdef")); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Arrive(4); !errors.Is(err, ErrProtocol) {
		t.Errorf("over the credit: %v", err)
	}
	if p, err := in.Next(); p.Held != 4 || p.Bytes != nil || err != nil {
		t.Errorf("%+v, %v; want 4 bytes held", p, err)
	}
	next(t, in, "abc", nil)
	if h, b := s.next(t); h.Type != TypeCredit || string(b) != "\x00\x00\x00\x04" {
		t.Errorf("%v %x, want a CREDIT of 4", h.Type, b)
	}
	_ = in.Close()
	if wanted, err := in.Arrive(1); wanted || err != nil {
		t.Errorf("of a closed stream: %v, %v", wanted, err)
	}
}

// A frame may reach a stream as soon as that is added. The stream's options hold
// already.
// fault: 108
func TestFramesAtOnce(t *testing.T) {
	// asSoonAs handles frame when its stream is there.
	asSoonAs := func(r *Relay, frame []byte) (wait func()) {
		tried, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for first := true; handle(r, frame) != nil; first = false {
				if first {
					close(tried)
				}
			}
		}()
		<-tried
		return func() { <-done }
	}
	for range 100 {
		r := NewRelay(new(sink).write)
		called := false
		wait := asSoonAs(r, closed(1))
		r.Out(1, 10, func(o *Out) { o.OnClosed(func() { called = true }) })
		wait()
		if !called {
			t.Fatal("CLOSED came, and OnClosed wasn't called")
		}
		wait = asSoonAs(r, data(0, "x"))
		in := r.In(0, 10, 10, (*In).Line)
		wait()
		if err := handle(r, data(0, "y")); !errors.Is(err, ErrProtocol) {
			t.Fatalf("a second line on one grant: %v", err)
		}
		next(t, in, "x", nil)
	}
}

// The writing end of a terminal's stream: a grant is for one DATA.
func TestLineOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r := NewRelay(s.write)
		out := r.Out(0, 4096)
		out.Line()
		lines := []string{"one\n", "two\n", ""}
		done := make(chan error)
		go func() {
			_, err := copyFrom(t.Context(), out, readerFunc(func(p []byte) (int, error) {
				n := copy(p, lines[0])
				lines = lines[1:]
				if n == 0 {
					return 0, io.EOF
				}
				return n, nil
			}))
			done <- err
		}()
		synctest.Wait()
		if h, b := s.next(t); h.Type != TypeData || string(b) != "one\n" {
			t.Errorf("%v %q", h.Type, b)
		}
		s.none(t)
		for range 2 {
			if err := handle(r, credit(0, 4096)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, b := s.next(t); string(b) != "two\n" {
			t.Errorf("%q", b)
		}
	})
}

// The reading end of a terminal's stream: one DATA uses a grant up.
func TestLineIn(t *testing.T) {
	var s sink
	r := NewRelay(s.write)
	in := r.In(1, 4096, 4096)
	in.Line()
	if err := handle(r, data(1, "x")); err != nil {
		t.Fatal(err)
	}
	next(t, in, "x", nil)
	if err := handle(r, data(1, "y")); !errors.Is(err, ErrProtocol) {
		t.Errorf("a second line on one grant: %v", err)
	}
	if err := in.Grant(4096); err != nil {
		t.Fatal(err)
	}
	if err := handle(r, data(1, "y")); err != nil {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
