package rpcd

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// refused takes a REFUSED and checks its code.
func (d *dialogue) refused(code wire.Code) *wire.Refused {
	d.t.Helper()
	m, err := wire.ParseRefused(d.want(wire.TypeRefused))
	if err != nil || m.Code != code {
		d.t.Fatalf("refused with %+v, %v; want code %d", m, err, code)
	}
	return m
}

// running makes a call and takes its STARTED.
func (d *dialogue) running(argv ...string) {
	d.t.Helper()
	d.send(callOf(0, argv...))
	d.want(wire.TypeStarted)
}

// Over the bound the eldest of the user with the most is turned away; who calls
// isn't.
// fault: 25
func TestWhoIsTurnedAway(t *testing.T) {
	i := newIdle(5, func() {})
	s := newServer(t, "any")
	s.idle = i
	add := func(uid uint32) *conn {
		theirs, ours, err := fdconn.Pair()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { theirs.Close(); ours.Close() })
		c := &conn{server: s, fd: theirs, caller: export.Caller{UID: uid}}
		i.add(c)
		return c
	}
	a1, a2 := add(1), add(1)
	b1 := add(2)
	a3, a4 := add(1), add(1)
	if !i.busy(a1) { // calls: it isn't idle any more
		t.Error("a1 was turned away below the bound")
	}
	add(2)
	for _, c := range []*conn{a2, a3, a4, b1} {
		if c.gone {
			t.Error("one was turned away below the bound")
		}
	}
	c1 := add(3)
	if !a2.gone || a3.gone || b1.gone || c1.gone {
		t.Errorf("a2 %v, a3 %v, b1 %v, c1 %v: want a2 alone", a2.gone, a3.gone, b1.gone, c1.gone)
	}
	if i.busy(a2) {
		t.Error("who was turned away may call")
	}
	i.add(a1) // its call is over
	if !a3.gone && !b1.gone {
		t.Error("the bound doesn't hold for those that are back")
	}
	if i.n != 5 {
		t.Errorf("%d idle, want 5", i.n)
	}
}

// Who is silent is told so when others come, and their calls go on.
// fault: 18 25
func TestSilentConnectionsMakeRoom(t *testing.T) {
	s := newServer(t, "any")
	s.idle = newIdle(3, s.poke)
	caller := dial(t, s)
	caller.running("sleep", "1000") // isn't idle
	var silent []*dialogue
	for range 4 {
		silent = append(silent, dial(t, s))
		for n := len(silent); ; time.Sleep(time.Millisecond) { // it is counted
			s.idle.mu.Lock()
			counted := s.idle.n == min(n, 3) && (n < 4 || s.counters.refused.Load() == 1)
			s.idle.mu.Unlock()
			if counted {
				break
			}
		}
	}
	silent[0].refused(wire.Busy)
	silent[0].dropped()
	silent[3].running("true")
	silent[3].want(wire.TypeExit)
}

// Long first frames share a bounded memory; short ones don't wait for it.
func TestLongFramesShareMemory(t *testing.T) {
	s := newServer(t, "any")
	s.frames = newMemory(2 << 20)
	long := append([]byte("RPCD\x00\x01"), make([]byte, 900<<10)...)
	hog := dial(t, s)
	hog.send(wire.Frame(wire.TypeCall, 0, 0, long)[:600<<10]) // the rest never comes
	for s.frames.all.TryAcquire(2 << 20) {                    // it isn't counted yet
		s.frames.all.Release(2 << 20)
		time.Sleep(time.Millisecond)
	}
	other := dial(t, s)
	other.running("true")
	other.want(wire.TypeExit)
	another := dial(t, s)
	another.send(wire.Frame(wire.TypeCall, 0, 0, long))
	another.refused(wire.Busy)
	hog.conn.Close()
	within(t, "the memory of who has left", func() {
		for !s.frames.all.TryAcquire(2 << 20) {
			time.Sleep(time.Millisecond)
		}
	})
	s.frames.all.Release(2 << 20)
	last := dial(t, s)
	argument := fmt.Sprintf("%0100000d", 7)
	last.send((&wire.Call{Procedure: "sleep", Args: []string{argument, "1000"}, Dir: wire.Dir{Name: "/"}}).Append())
	last.want(wire.TypeStarted)
	within(t, "the memory of a call that runs", func() {
		for !s.frames.all.TryAcquire(2 << 20) {
			time.Sleep(time.Millisecond)
		}
	})
}

// Who waits to be accepted when the listener goes is told so.
func TestTurnAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := fdconn.Listen(path, 0o600, -1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := fdconn.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := newServer(t, "any")
	s.mu.Lock()
	s.listeners = append(s.listeners, l) // nobody accepts there
	s.mu.Unlock()
	s.Drain(hang, nil)
	h, err := wire.ReadHeader(c)
	if err != nil || h.Type != wire.TypeRefused {
		t.Fatalf("%v, %v", h.Type, err)
	}
	b, _ := wire.ReadPayload(c, h)
	if m, err := wire.ParseRefused(b); err != nil || m.Code != wire.Draining {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := wire.ReadHeader(c); !errors.Is(err, io.EOF) && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the connection stays: %v", err)
	}
}
