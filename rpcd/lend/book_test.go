package lend

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/run"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// lender is a runner that has a connection for as long as serve takes.
type lender struct {
	serve func(ctx context.Context, l run.Loan) *run.Returned
}

func (l lender) Lend(ctx context.Context, _ run.Job, loan run.Loan) *run.Returned {
	return l.serve(ctx, loan)
}

// caller is the other end of a connection that a daemon reads through a gate.
type caller struct {
	*fdconn.Conn
	order Order
	read  chan string // what the daemon's reader got, line by line
}

func newCaller(t *testing.T, serve func(ctx context.Context, l run.Loan) *run.Returned) *caller {
	t.Helper()
	ours, theirs, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{Conn: theirs, read: make(chan string, 10)}
	gate, conn := &Gate{}, talk.NewConn(ours)
	conn.BeginCall()
	c.order = Order{
		Runner: lender{serve}, Conn: ours, Gate: gate, Talk: conn,
		Reserve: func(n uint64) uint64 { return 100 + n },
	}
	go func() {
		defer close(c.read)
		r := bufio.NewReader(readFunc(func(p []byte) (int, error) { return gate.Read(conn.Read, p) }))
		for gate.Await(r) == nil {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			c.read <- line
		}
	}()
	t.Cleanup(func() { theirs.Close(); conn.Close(); <-c.read })
	return c
}

// say says a line, and checks that the daemon's reader gets it.
func (c *caller) say(t *testing.T, line string) {
	t.Helper()
	if err := c.WriteFrame([]byte(line)); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "a line", func() {
		if got := <-c.read; got != line {
			t.Errorf("the daemon read %q, want %q", got, line)
		}
	})
}

// What is lent is the runner's alone, and the daemon's again afterwards.
func TestLend(t *testing.T) {
	var b Book
	var c *caller
	c = newCaller(t, func(_ context.Context, l run.Loan) *run.Returned {
		if l.Next != 100+loanCalls-1 || l.Most != loanCalls || l.Time != loanTime {
			t.Errorf("lent as %+v", l)
		}
		if err := c.WriteFrame([]byte("for the worker\n")); err != nil {
			t.Error(err)
		}
		got := make([]byte, 15)
		if _, err := unix.Read(l.Conn, got); err != nil || string(got) != "for the worker\n" {
			t.Errorf("the worker read %q, %v", got, err)
		}
		if _, err := unix.Write(l.Conn, []byte("its answer\n")); err != nil {
			t.Error(err)
		}
		return &run.Returned{}
	})
	for range 3 {
		r, resume := b.Lend(t.Context(), c.order)
		if r == nil {
			t.Fatal("not lent")
		}
		resume()
		got := make([]byte, 11)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "its answer\n" {
			t.Errorf("the caller read %q, %v", got, err)
		}
		c.say(t, "for rpcd\n")
	}
	c.order.Runner = lender{func(context.Context, run.Loan) *run.Returned { return nil }}
	if r, resume := b.Lend(t.Context(), c.order); r != nil || resume != nil {
		t.Error("lent by a runner that doesn't")
	}
	c.say(t, "for rpcd\n")
}

// Nothing is lent of a connection in the middle of a frame, of which the caller sends
// the rest later.
// fault: 193
func TestNotLentInTheMiddle(t *testing.T) {
	var b Book
	c := newCaller(t, func(context.Context, run.Loan) *run.Returned {
		t.Error("lent")
		return nil
	})
	if err := c.WriteFrame([]byte("ha")); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "it is read", c.order.Conn.Quiet)
	if r, _ := b.Lend(t.Context(), c.order); r != nil {
		t.Error("lent")
	}
	if err := c.WriteFrame([]byte("lf\n")); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "the line", func() {
		if got := <-c.read; got != "half\n" {
			t.Errorf("read %q", got)
		}
	})
}

// Settle and Recall end what is lent, Close for good; a hang-up reaches the worker.
func TestRecalls(t *testing.T) {
	var b Book
	lent := make(chan struct{})
	c := newCaller(t, func(_ context.Context, l run.Loan) *run.Returned {
		lent <- struct{}{}
		<-l.Recall.Done()
		return &run.Returned{}
	})
	lend := func() <-chan bool {
		over := make(chan bool, 1)
		go func() {
			r, resume := b.Lend(context.Background(), c.order)
			if r != nil {
				resume()
			}
			over <- r != nil
		}()
		return over
	}
	if b.Settle(t.Context()) {
		t.Error("something was lent")
	}
	over := lend()
	<-lent
	if !b.Settle(t.Context()) {
		t.Error("nothing was lent")
	}
	if !<-over {
		t.Error("nothing was lent")
	}
	over = lend()
	<-lent
	tries := 0
	err := b.Insist(t.Context(), func() error {
		if tries++; tries == 1 {
			return &limit.FullError{}
		}
		return io.EOF
	})
	if err != io.EOF || tries != 2 || !<-over {
		t.Error(err, tries)
	}
	tries = 0
	if err := b.Insist(t.Context(), func() error { tries++; return &limit.FullError{} }); !limit.IsFull(err) || tries != 1 {
		t.Errorf("%v after %d tries: nothing was lent", err, tries)
	}
	over = lend()
	<-lent
	b.Close()
	if !<-over || <-lend() {
		t.Error("closed, and lent")
	}
	c.say(t, "for rpcd\n")
}

// Who settles doesn't wait for a worker for ever.
func TestSettleGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Book
		e := &entry{func() {}, make(chan struct{})}
		b.enter(e)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if !b.Settle(ctx) || ctx.Err() == nil {
			t.Error("settled")
		}
		b.leave(e)
		if b.Settle(t.Context()) {
			t.Error("it is lent still")
		}
	})
}

// A connection can be ended while it is lent.
func TestHangUpInALoan(t *testing.T) {
	var b Book
	var c *caller
	c = newCaller(t, func(_ context.Context, l run.Loan) *run.Returned {
		c.order.Conn.HangUp()
		if n, err := unix.Read(l.Conn, make([]byte, 1)); n != 0 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		return &run.Returned{}
	})
	if r, resume := b.Lend(t.Context(), c.order); r != nil {
		resume()
	}
	testkit.Within(t, "the end", func() {
		if _, more := <-c.read; more {
			t.Error("read on")
		}
	})
}

// A socket that can't be taken out of the poller isn't lent.
func TestNotLentWhenClosed(t *testing.T) {
	var b Book
	c := newCaller(t, func(context.Context, run.Loan) *run.Returned { t.Error("lent"); return nil })
	c.Close()
	<-c.read // the reader has left
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, _ := b.Lend(ctx, c.order); r != nil {
		t.Error("lent")
	}
}

func TestStreak(t *testing.T) {
	call := func(edit func(m *wire.Call)) []byte {
		m := &wire.Call{Flags: wire.CallKeep, Procedure: "p", Args: []string{"a"}, Dir: wire.Dir{Name: "/"}, Streams: []wire.Stream{{Mode: wire.Passed}}}
		edit(m)
		return m.Append()
	}
	same := call(func(*wire.Call) {})
	for name, c := range map[string]struct {
		second []byte
		pause  time.Duration
		want   bool
	}{
		"the same":            {same, 0, true},
		"other arguments":     {call(func(m *wire.Call) { m.Args = []string{"b", "", "c"} }), pause, true},
		"no arguments":        {call(func(m *wire.Call) { m.Args = nil }), 0, true},
		"much later":          {same, pause + time.Millisecond, false},
		"another procedure":   {call(func(m *wire.Call) { m.Procedure = "q" }), 0, false},
		"another directory":   {call(func(m *wire.Call) { m.Dir.Name = "/usr" }), 0, false},
		"another label":       {call(func(m *wire.Call) { m.Label = "l" }), 0, false},
		"a variable":          {call(func(m *wire.Call) { m.Env = []string{"A=1"} }), 0, false},
		"another umask":       {call(func(m *wire.Call) { m.Umask = 0o77 }), 0, false},
		"another stream":      {call(func(m *wire.Call) { m.Streams[0].Mode = wire.Closed }), 0, false},
		"another limit":       {call(func(m *wire.Call) { m.Timeout = time.Hour }), 0, false},
		"another flag":        {call(func(m *wire.Call) { m.Flags |= wire.CallNoWait }), 0, false},
		"one that isn't kept": {call(func(m *wire.Call) { m.Flags = 0 }), 0, false},
		"a long one":          {call(func(m *wire.Call) { m.Args = []string{strings.Repeat("x", longest)} }), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s Streak
				if s.next(t, same) != nil {
					t.Error("the first one was lent")
				}
				s.End()
				time.Sleep(c.pause)
				got := s.next(t, c.second)
				if (got != nil) != c.want || got != nil && string(got) != string(c.second) {
					t.Errorf("got %q, want it: %v", got, c.want)
				}
			})
		})
	}
}

func (s *Streak) next(t *testing.T, frame []byte) []byte {
	t.Helper()
	h, err := wire.ParseHeader(frame)
	if err != nil {
		t.Fatal(err)
	}
	return s.Next(h, frame[wire.HeaderLen:])
}

// Payloads that are none end a streak, and calls that aren't kept, too.
func TestStreakOfNonsense(t *testing.T) {
	var s Streak
	for range 3 {
		for _, payload := range []string{"", "RPC", "RPCD\x00\x01\x00\x02\x00", "RPCD\x00\x01\x00\x02\xff\xff\xff\xffx"} {
			if s.Next(wire.Header{Type: wire.TypeCall, Flags: wire.CallKeep}, []byte(payload)) != nil {
				t.Errorf("%q is lent", payload)
			}
			s.End()
		}
	}
}

func TestFits(t *testing.T) {
	for name, c := range map[string]struct {
		m    wire.Call
		want bool
	}{
		"plain":      {wire.Call{Flags: wire.CallKeep}, true},
		"usual":      {wire.Call{Flags: wire.CallKeep | wire.CallNoWait | wire.CallConfirm, Streams: []wire.Stream{{Mode: wire.Passed}, {Number: 1, Mode: wire.Closed}, {Number: 2, Mode: wire.Passed}}}, true},
		"announced":  {wire.Call{Flags: wire.CallKeep | wire.CallAnnounce}, false},
		"a high one": {wire.Call{Streams: []wire.Stream{{Number: 3, Mode: wire.Passed}}}, false},
		"relayed":    {wire.Call{Streams: []wire.Stream{{Mode: wire.Relayed}}}, false},
		"same":       {wire.Call{Streams: []wire.Stream{{Number: 1, Mode: wire.Passed}, {Number: 2, Mode: wire.Same}}}, false},
		"a probe":    {wire.Call{Streams: []wire.Stream{{Mode: wire.Probe}}}, false},
	} {
		if got := Fits(&c.m); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
