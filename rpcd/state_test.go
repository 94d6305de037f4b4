package rpcd

import (
	"bufio"
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// untaken is a call of script with an output that its caller never reads.
func untaken(script string) *wire.Call {
	return &wire.Call{
		Procedure: "sh", Args: []string{"-c", script}, Dir: wire.Dir{Name: "/"},
		Streams: []wire.Stream{{Number: 1, Mode: wire.Relayed, Flags: wire.StreamOutput}},
	}
}

// A call whose process has ended, but whose caller doesn't read the output, is
// listed as ending. KILL then ends the call.
// fault: 26
func TestUntakenOutput(t *testing.T) {
	s := newServer(t, "any")
	d, asks := dial(t, s), dial(t, s)
	d.send(untaken("echo x").Append())
	d.want(wire.TypeStarted)
	testkit.Within(t, "the end of the process", func() {
		for asks.ps()[0].State != wire.CallEnding {
			time.Sleep(time.Millisecond)
		}
	})
	wantLoad(t, s, 1, 0)
	asks.send((&wire.Kill{ID: asks.ps()[0].ID, Signal: uint8(unix.SIGKILL)}).Append())
	asks.want(wire.TypeSignaled)
	d.dropped()
	testkit.Within(t, "its place", func() {
		for s.Load().Running > 0 {
			time.Sleep(time.Millisecond)
		}
	})
}

// After a time limit has ended a call, output that nobody reads is given up. The
// caller still gets the status.
// fault: 26
func TestUntakenOutputAndALimit(t *testing.T) {
	s := newServer(t, "any")
	d := dial(t, s)
	call := untaken("echo x; exec sleep 1000")
	call.Timeout = 500 * time.Millisecond
	d.send(call.Append())
	d.want(wire.TypeStarted)
	d.want(wire.TypeEnd)
	h, b := d.next()
	if e, err := wire.ParseExit(h.Flags, b); h.Type != wire.TypeExit || err != nil || e.Flags&wire.ExitTimeout == 0 {
		t.Errorf("%v, %+v, %v", h.Type, e, err)
	}
	d.conn.Close()
}

// If a caller stops before it has answered ACCEPTED, the worker doesn't wait for
// it: the call starts and is stopped.
// fault: 93
func TestStoppedBeforeTheStart(t *testing.T) {
	d := converse(t, "any")
	d.send(callOf(wire.CallAnnounce, "true"))
	d.want(wire.TypeAccepted)
	d.send(wire.Frame(wire.TypeStopped, 0, 0, nil))
	d.want(wire.TypeStarted)
	d.send(wire.Frame(wire.TypeContinued, 0, 0, nil))
	d.want(wire.TypeExit)
}

// The memory of a refused call's arguments is freed while its connection is still
// open.
// fault: 94
func TestRefusedCallIsForgotten(t *testing.T) {
	s := newServer(t, "any")
	fd := dial(t, s).conn
	c := &conn{server: s, fd: fd, talk: talk.NewConn(fd)}
	k := newCall(&s.host, c, &wire.Call{Procedure: "no such", Args: []string{"x"}, Flags: wire.CallKeep}, nil)
	k.serve(&fdconn.Files{}, nil)
	if k.Args != nil || k.Env != nil {
		t.Errorf("%q, %q", k.Args, k.Env)
	}
}

// A call that is over leaves nothing of its texts, though its connection is kept.
// fault: 120
func TestKeptConnectionForgetsItsCall(t *testing.T) {
	s := newServer(t, "any")
	c := dial(t, s)
	c.send((&wire.Call{Flags: wire.CallKeep | wire.CallAnnounce, Procedure: "true", Label: "label", Dir: wire.Dir{Name: "/"}, Logical: "/"}).Append())
	c.want(wire.TypeAccepted)
	k := s.allCalls()[0]
	c.send(wire.Frame(wire.TypeContinued, 0, 0, nil))
	c.want(wire.TypeStarted)
	c.want(wire.TypeExit)
	<-k.finished
	if k.Procedure+k.Label+k.Dir.Name+k.Logical+k.dir != "" || k.argv != nil || k.Streams != nil {
		t.Errorf("%+v is kept", k.Call)
	}
}

// A name that is too long is a call's fault, not its connection's.
// fault: 123
func TestTooLongNameKeepsConnection(t *testing.T) {
	s := newServer(t, "any")
	c := dial(t, s)
	for _, m := range []wire.Call{
		{Procedure: strings.Repeat("p", 300), Dir: wire.Dir{Name: "/"}},
		{Procedure: "true", Dir: wire.Dir{Name: "/" + strings.Repeat("d", 5000)}},
	} {
		m.Flags = wire.CallKeep
		c.send(m.Append())
		c.want(wire.TypeRefused)
	}
	c.send((&wire.Call{Flags: wire.CallKeep, Procedure: "true", Dir: wire.Dir{Name: "/"}}).Append())
	c.want(wire.TypeStarted)
	c.want(wire.TypeExit)
}

// If the caller of a waiting call stops and continues often, only the last of
// these signals is kept for the start.
// fault: 93
func TestStopsOfAWaitingCall(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	k := &call{cancel: leave}
	for range 20 {
		for _, sig := range []syscall.Signal{unix.SIGSTOP, unix.SIGCONT, unix.SIGCONT} {
			k.signal(sig)
		}
	}
	if want := []syscall.Signal{unix.SIGCONT}; !slices.Equal(k.pending, want) || ctx.Err() != nil {
		t.Errorf("%v, %v; want %v", k.pending, ctx.Err(), want)
	}
	k.signal(unix.SIGTERM)
	if ctx.Err() == nil {
		t.Error("TERM doesn't cancel it")
	}
}

// A signal that comes when a process has started, and the call isn't known to run yet,
// reaches the process, and its terminal stays.
// fault: 204
func TestSignalBetweenStartAndRunning(t *testing.T) {
	s := newServer(t, "any")
	theirs, ours, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	c := &conn{server: s, fd: theirs, talk: talk.NewConn(theirs)}
	defer c.talk.Close()
	ran := t.TempDir() + "/ran"
	k := newCall(&s.host, c, &wire.Call{
		Procedure: "sh", Args: []string{"-c", `trap "echo told; exit 3" TERM; : >"$0"; while :; do sleep 0.01; done`, ran},
		Dir: wire.Dir{Name: "/"}, Umask: 0o022, Terminal: &wire.Terminal{},
		Streams: []wire.Stream{{Mode: wire.OnTerminal}, {Number: 1, Mode: wire.OnTerminal, Flags: wire.StreamOutput, Window: 1 << 10}},
	}, nil)
	p, err := k.prepare(&fdconn.Files{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.streams.Open(-1); err != nil {
		t.Fatal(err)
	}
	process, err := p.Runner.Start(k.ctx, k.job(p))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the procedure", func() bool { _, err := os.Stat(ran); return err == nil })
	k.signal(unix.SIGTERM)
	over := make(chan struct{})
	go func() { defer close(over); k.supervise(process, p, time.Now()); k.leave() }()
	d := &dialogue{t, ours, bufio.NewReader(ours), nil}
	h, b := d.next()
	shown := ""
	for ; h.Type != wire.TypeExit; h, b = d.next() {
		if h.Type == wire.TypeData {
			shown += string(b)
		}
	}
	if e, err := wire.ParseExit(0, b); err != nil || e.Status != 3<<8 || shown != "told\r\n" {
		t.Errorf("it shows %q and ends as %+v, %v", shown, e, err)
	}
	<-over
}

// unready has one procedure, whose resident worker never gets ready.
type unready struct{ export.Source }

func (unready) Lookup(name string, _ export.Caller) (*export.Procedure, error) {
	return &export.Procedure{Name: name, Path: "/bin/sleep", Args: []string{"1000"}, Workers: 1}, nil
}

// A caller is told how long its call may wait for a resident worker, as for a place.
// fault: 143
func TestWaitForAResidentWorker(t *testing.T) {
	s := newServer(t, "any")
	s.Source = unready{s.Source}
	d := dial(t, s)
	d.send(callOf(0, "p"))
	if m, err := wire.ParseStarted(wire.AcceptedWaits, d.want(wire.TypeAccepted)); err != nil || m.Wait != s.QueueWait || !strings.Contains(m.Text, "0 of 1 ready") {
		t.Errorf("%+v, %v", m, err)
	}
	d.send(wire.Signal(uint8(unix.SIGTERM), 0))
	d.refused(wire.Canceled)
	s.runners.Drain()
	s.runners.Close()
	testkit.Eventually(t, "the worker's end", func() bool { return s.runners.Leftovers() == 0 })
}

// A call whose caller hasn't yet answered ACCEPTED has a place already, or a place
// in the queue.
// fault: 77
func TestAnnouncedCallsHavePlaces(t *testing.T) {
	s := newServer(t, "any")
	s.queue = limit.NewQueue(1, 1)
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	first.send(callOf(wire.CallAnnounce, "true"))
	first.want(wire.TypeAccepted)
	second.send(callOf(wire.CallAnnounce, "true"))
	if m, err := wire.ParseStarted(wire.AcceptedWaits, second.want(wire.TypeAccepted)); err != nil || m.Text == "" || m.Wait != s.QueueWait {
		t.Errorf("%+v, %v", m, err)
	}
	third.send(callOf(wire.CallAnnounce, "true"))
	third.refused(wire.Busy)
	for _, d := range []*dialogue{first, second} {
		d.send(wire.Frame(wire.TypeContinued, 0, 0, nil))
		if d == second {
			d.want(wire.TypeAccepted)
			d.send(wire.Frame(wire.TypeContinued, 0, 0, nil))
		}
		d.want(wire.TypeStarted)
		d.want(wire.TypeExit)
	}
}

// The worker closes the connection even if the caller sends STOPPED after the end
// of its call.
// fault: 97
func TestStoppedAfterTheEnd(t *testing.T) {
	d := converse(t, "any")
	d.running("true")
	d.want(wire.TypeExit)
	d.send(wire.Frame(wire.TypeStopped, 0, 0, nil))
	d.dropped()
}
