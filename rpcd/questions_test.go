package rpcd

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/directory"
	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// A caller sees and signals the calls of its own uid. Root and rpcd's user may do
// so with all calls. An unmapped uid owns no calls.
func TestWhoOwnsACall(t *testing.T) {
	for _, c := range []struct {
		asks, self, calls uint32
		want              bool
	}{
		{1001, 7, 1001, true}, {1001, 7, 1002, false}, {1001, 7, 0, false},
		{0, 7, 1001, true}, {7, 7, 1001, true},
		{export.Overflow, 7, export.Overflow, false}, {export.Overflow, 7, 1001, false},
		{export.Overflow, export.Overflow, 1001, false}, {export.Overflow, export.Overflow, export.Overflow, false},
		{1001, 7, export.Overflow, false}, {0, 7, export.Overflow, true},
	} {
		if got := (export.Caller{UID: c.asks}).MayTouch(c.self, c.calls); got != c.want {
			t.Errorf("uid %d, a call of uid %d, rpcd as %d: %v", c.asks, c.calls, c.self, got)
		}
	}
}

func (d *dialogue) ps() []wire.Running {
	d.t.Helper()
	d.send(wire.Question(wire.TypePS))
	m, err := wire.ParseCalls(d.want(wire.TypeCalls))
	if err != nil || m.Worker != "hugin" {
		d.t.Fatalf("%+v, %v", m, err)
	}
	return m.Calls
}

// PS lists running and waiting calls. KILL signals a running call and cancels a
// waiting one.
func TestPSAndKill(t *testing.T) {
	s := newServer(t, "any")
	s.queue = limit.NewQueue(1, 100)
	runs, waits, asks := dial(t, s), dial(t, s), dial(t, s)
	runs.send((&wire.Call{Procedure: "sleep", Args: []string{"1000"}, Label: "job\n7", Dir: wire.Dir{Name: "/"}}).Append())
	id := runs.want(wire.TypeStarted)
	first, err := wire.ParseStarted(0, id)
	if err != nil {
		t.Fatal(err)
	}
	waits.send(callOf(0, "true"))
	second, err := wire.ParseStarted(0, waits.want(wire.TypeAccepted))
	if err != nil {
		t.Fatal(err)
	}
	calls := asks.ps()
	if len(calls) != 2 {
		t.Fatalf("%+v", calls)
	}
	a, b := calls[0], calls[1]
	if a.ID != first.ID || a.Procedure != "sleep" || a.Label != "job\n7" || a.UID != uint32(os.Getuid()) || a.State != wire.CallRunning || a.PID == 0 || a.Age <= 0 || !a.Bridged {
		t.Errorf("the running one: %+v", a)
	}
	if b.ID != second.ID || b.State != wire.CallWaiting || b.PID != 0 || b.Age > a.Age {
		t.Errorf("the waiting one: %+v", b)
	}
	runs.send(wire.Frame(wire.TypeStopped, 0, 0, nil))
	testkit.Within(t, "the stop", func() {
		for asks.ps()[0].State != wire.CallStopped {
		}
	})
	kill := func(id string, sig unix.Signal) {
		t.Helper()
		asks.send((&wire.Kill{ID: id, Signal: uint8(sig)}).Append())
	}
	kill(second.ID, unix.SIGTERM)
	asks.want(wire.TypeSignaled)
	waits.refused(wire.Canceled)
	kill(first.ID, unix.SIGKILL)
	asks.want(wire.TypeSignaled)
	if e, err := wire.ParseExit(0, runs.want(wire.TypeExit)); err != nil || e.Status != uint32(unix.SIGKILL) {
		t.Errorf("%+v, %v", e, err)
	}
	if left := asks.ps(); len(left) != 0 {
		t.Errorf("calls that are over are listed: %+v", left)
	}
	kill(first.ID, unix.SIGKILL)
	asks.refused(wire.Unknown)
}

func TestKillRefused(t *testing.T) {
	s := newServer(t, "any")
	runs := dial(t, s)
	runs.running("sleep", "1000")
	asks := dial(t, s)
	asks.send((&wire.Kill{ID: "4711", Signal: 15}).Append())
	asks.refused(wire.Unknown)

	err := s.kill(export.Caller{UID: 1001}, &wire.Kill{ID: "1", Signal: 9})
	if os.Geteuid() != 1001 && code(err) != wire.Denied {
		t.Errorf("another's call: %v", err)
	}
	if n := len(s.visibleCalls(export.Caller{UID: 1001}).Calls); os.Geteuid() != 1001 && n != 0 {
		t.Errorf("%d calls of another are listed", n)
	}
}

// A question brings one descriptor at most: each costs rpcd a close.
func TestPingWithManyDescriptors(t *testing.T) {
	d := dial(t, newServer(t, "any"))
	r, w := pipe(t)
	if err := d.conn.WriteDescriptors(wire.Ping(wire.Dir{}), []int{w, w}); err != nil {
		t.Fatal(err)
	}
	unix.Close(w)
	d.want(wire.TypeRefused)
	testkit.Within(t, "the descriptors to be closed", func() {
		var b [1]byte
		if n, err := unix.Read(r, b[:]); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	unix.Close(r)
}

// PONG tells the asker's ids, how many descriptors arrived, and whether its
// directory is the same here.
func TestPingSeesTheWay(t *testing.T) {
	here := t.TempDir()
	var st unix.Stat_t
	if err := unix.Stat(here, &st); err != nil {
		t.Fatal(err)
	}
	proven := func(inode uint64) wire.Dir {
		return wire.Dir{Name: here, Proven: true, Dev: uint64(st.Dev), Inode: inode}
	}
	for _, c := range []struct {
		dir     wire.Dir
		workdir string
		fds     int
		want    wire.Sameness
	}{
		{wire.Dir{}, "/", 0, wire.DirNotAsked},
		{proven(st.Ino), "/", 1, wire.DirSame},
		{proven(st.Ino + 1), "", 1, wire.DirOther},
		{proven(st.Ino + 1), "/", 1, wire.DirWorkdir},
		{wire.Dir{Name: here + "/not"}, "/", 0, wire.DirMissing}, // without a proof: the caller only named it
	} {
		s := newServer(t, "any")
		s.Workdir = c.workdir
		d := dial(t, s)
		r, w := pipe(t)
		if err := d.conn.WriteDescriptors(wire.Ping(c.dir), []int{w}[:c.fds]); err != nil {
			t.Fatal(err)
		}
		unix.Close(w)
		m, err := wire.ParseInfo(d.want(wire.TypePong))
		if err != nil || m.Way == nil {
			t.Fatalf("%+v, %v", m, err)
		}
		want := wire.Way{UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), OwnUID: uint32(os.Getuid()), OwnGID: uint32(os.Getgid()), Descriptors: uint32(c.fds), Dir: c.want}
		switch c.want {
		case wire.DirSame:
			_, want.Inside = directory.Choice{Caller: c.dir}.Look()
		case wire.DirWorkdir:
			_, want.Inside = directory.Choice{Caller: wire.Dir{Name: c.workdir}}.Look()
		}
		if *m.Way != want {
			t.Errorf("%+v, want %+v", *m.Way, want)
		}
		testkit.Within(t, "the descriptors to be closed", func() {
			var b [1]byte
			if n, err := unix.Read(r, b[:]); n != 0 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
		unix.Close(r)
	}

	// A caller that may not call learns nothing about the worker's directories.
	d := dial(t, newServer(t, "uid 4294967294"))
	d.send(wire.Ping(proven(st.Ino)))
	if m, err := wire.ParseInfo(d.want(wire.TypePong)); err != nil || m.Way.Dir != wire.DirNotAsked {
		t.Errorf("%+v, %v", m, err)
	}
}

// A long answer that its asker doesn't read counts against the budget until the
// asker has left. Others still get their answers.
// fault: 92
func TestAnswersAreCounted(t *testing.T) {
	s := newServer(t, "any")
	const size = 4 * wire.MaxList
	s.answers, s.queue = limit.NewBudget(size), limit.NewQueue(1, 100)
	for range 81 { // their list is more than a socket's buffer holds
		call := wire.Call{Procedure: "sleep", Args: []string{"1000"}, Dir: wire.Dir{Name: "/"}, Label: strings.Repeat("x", wire.MaxLabel)}
		dial(t, s).send(call.Append())
	}
	until := func(what string, counted bool) {
		testkit.Within(t, what, func() {
			for isFree(s.answers, size) == counted {
				time.Sleep(time.Millisecond)
			}
		})
	}
	testkit.Within(t, "all have come", func() {
		for d := dial(t, s); len(d.ps()) < 81; time.Sleep(time.Millisecond) {
		}
	})
	until("what was taken is free", false)
	hog := dial(t, s)
	hog.send(wire.Question(wire.TypePS))
	until("it is counted", true)
	other := dial(t, s)
	other.send(wire.Question(wire.TypeList))
	other.want(wire.TypeListing)
	hog.conn.Close()
	until("it has left", false)
}
