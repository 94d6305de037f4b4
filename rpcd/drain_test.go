package rpcd

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// drain calls Drain in the background. The channel is closed when Drain returns.
func drain(s *Server, d time.Duration, now chan os.Signal) chan struct{} {
	over := make(chan struct{})
	go func() { defer close(over); s.Drain(d, now) }()
	for !s.isDraining() {
		time.Sleep(time.Millisecond)
	}
	return over
}

func ended(over chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// held makes a call that runs until release is called.
func (d *dialogue) held() (release func()) {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "go")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		d.t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { f.Close() })
	d.running("sh", "-c", `read line <"$0"`, path)
	return func() {
		if _, err := f.WriteString("\n"); err != nil {
			d.t.Error(err)
		}
	}
}

// If the sockets are rpcd's own, a drain refuses new and waiting calls. Running
// calls may end by themselves.
// fault: 7
func TestDrain(t *testing.T) {
	s := newServer(t, "any")
	s.queue = limit.NewQueue(1, 100)
	runs, waits, fresh := dial(t, s), dial(t, s), dial(t, s)
	release := runs.held()
	waits.send(callOf(0, "true"))
	waits.want(wire.TypeAccepted)
	over := drain(s, testkit.Limit, nil)
	waits.refused(wire.Draining)
	fresh.send(callOf(0, "true"))
	fresh.refused(wire.Draining)
	if ended(over) {
		t.Error("Drain is over before the running call")
	}
	release()
	if e, err := wire.ParseExit(0, runs.want(wire.TypeExit)); err != nil || e.Status != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	testkit.Within(t, "Drain", func() { <-over })
}

// If the sockets are somebody else's, a drain still runs everything that was
// accepted: calls that wait, and calls of connections without a first frame.
func TestDrainActivated(t *testing.T) {
	s := newServer(t, "any")
	s.Activated = true
	s.queue = limit.NewQueue(1, 100)
	runs, waits, fresh := dial(t, s), dial(t, s), dial(t, s)
	release := runs.held()
	waits.send(callOf(0, "true"))
	waits.want(wire.TypeAccepted)
	for s.connections.WaitingForFirstCall() != 1 {
		time.Sleep(time.Millisecond)
	}
	over := drain(s, testkit.Limit, nil)
	release()
	runs.want(wire.TypeExit)
	waits.want(wire.TypeStarted)
	waits.want(wire.TypeExit)
	runs.conn.Close()
	waits.conn.Close()
	if ended(over) {
		t.Error("Drain is over before the fresh connection has called")
	}
	fresh.send(callOf(0, "true"))
	for { // the call may wait for a free place first
		if h, _ := fresh.next(); h.Type == wire.TypeExit {
			break
		} else if h.Type == wire.TypeRefused {
			t.Fatal("who was accepted is refused")
		}
	}
	testkit.Within(t, "Drain", func() { <-over })
}

// When a drain's time is over, running calls get TERM. Waiting calls and
// connections without a first frame are refused.
func TestDrainOutOfTime(t *testing.T) {
	s := newServer(t, "any")
	s.Activated = true
	s.queue = limit.NewQueue(1, 100)
	runs, waits, fresh := dial(t, s), dial(t, s), dial(t, s)
	runs.running("sleep", "1000")
	waits.send(callOf(0, "true"))
	waits.want(wire.TypeAccepted)
	for s.connections.WaitingForFirstCall() != 1 {
		time.Sleep(time.Millisecond)
	}
	over := drain(s, 50*time.Millisecond, nil)
	waits.refused(wire.Draining)
	fresh.refused(wire.Draining)
	if e, err := wire.ParseExit(0, runs.want(wire.TypeExit)); err != nil || e.Status != uint32(unix.SIGTERM) {
		t.Errorf("%+v, %v", e, err)
	}
	testkit.Within(t, "Drain", func() { <-over })
}

// A second signal ends a drain at once, without the grace.
func TestDrainAtOnce(t *testing.T) {
	s := newServer(t, "any")
	s.Grace = testkit.Limit
	runs := dial(t, s)
	runs.running("sh", "-c", "trap '' TERM; while :; do sleep 1000; done")
	now := make(chan os.Signal, 1)
	over := drain(s, time.Hour, now)
	now <- unix.SIGTERM
	if e, err := wire.ParseExit(0, runs.want(wire.TypeExit)); err != nil || e.Status != uint32(unix.SIGKILL) {
		t.Errorf("%+v, %v", e, err)
	}
	testkit.Within(t, "Drain", func() { <-over })
}

// A caller has time to read its answer: a drain waits until the caller closes the
// connection.
// fault: 98
func TestDrainWaitsForReaders(t *testing.T) {
	s := newServer(t, "any")
	d := dial(t, s)
	d.running("true")
	d.want(wire.TypeExit)
	for s.connections.Answered() != 1 {
		time.Sleep(time.Millisecond)
	}
	over := drain(s, testkit.Limit, nil)
	if err := d.conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ReadHeader(d.br); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the worker closed first: %v", err)
	}
	d.conn.Close()
	testkit.Within(t, "Drain", func() { <-over })
}
