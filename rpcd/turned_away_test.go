package rpcd

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// refused takes a REFUSED, checks its code and returns it.
func (d *dialogue) refused(code wire.Code) *wire.Refused {
	d.t.Helper()
	m, err := wire.ParseRefused(d.want(wire.TypeRefused))
	if err != nil || m.Code != code {
		d.t.Fatalf("refused with %+v, %v; want code %d", m, err, code)
	}
	return m
}

// running makes a call and waits for its STARTED.
func (d *dialogue) running(argv ...string) {
	d.t.Helper()
	d.send(callOf(0, argv...))
	d.want(wire.TypeStarted)
}

// Over the bound a new connection makes the eldest silent one be refused. Calls
// that run go on.
// fault: 18 25
func TestSilentConnectionsMakeRoom(t *testing.T) {
	s := newServer(t, "any")
	s.connections = limit.NewConnections(3, s.poke)
	caller := dial(t, s)
	caller.running("sleep", "1000") // a connection with a call doesn't count
	var silent []*dialogue
	for range 4 {
		silent = append(silent, dial(t, s))
		for n := len(silent); ; time.Sleep(time.Millisecond) { // waits until the connection is counted
			if s.connections.WaitingForFirstCall() == min(n, 3) && (n < 4 || s.counters.Refused.Load() == 1) {
				break
			}
		}
	}
	silent[0].refused(wire.Busy)
	silent[0].dropped()
	silent[3].running("true")
	silent[3].want(wire.TypeExit)
}

// Long first frames share a bounded memory, with what they can cost. A short one
// doesn't wait for its turn. The longest of all fits into one user's half.
func TestLongFramesShareMemory(t *testing.T) {
	s := newServer(t, "any")
	long := append([]byte("RPCD\x00\x01"), make([]byte, 900<<10)...)
	size := 2 * wire.MostCost(len(long))
	s.frames = limit.NewBudget(size)
	hog := dial(t, s)
	hog.send(wire.Frame(wire.TypeCall, 0, 0, long)[:600<<10]) // the rest is never sent
	testkit.Within(t, "its memory is counted", func() {
		for isFree(s.frames, size) {
			time.Sleep(time.Millisecond)
		}
	})
	other := dial(t, s)
	other.running("true")
	other.want(wire.TypeExit)
	another := dial(t, s)
	another.send(wire.Frame(wire.TypeCall, 0, 0, long))
	another.refused(wire.Busy)
	hog.conn.Close()
	testkit.Within(t, "the memory of who has left", func() {
		for !isFree(s.frames, size) {
			time.Sleep(time.Millisecond)
		}
	})
	if most := wire.MostCost(8 << 20); most > maxFrames/2 {
		t.Errorf("%d bytes for the longest frame, one user has %d", most, maxFrames/2)
	}
	argument := fmt.Sprintf("%0100000d", 7)
	waits := dial(t, s)
	call := &wire.Call{Procedure: "true", Args: []string{argument}, Dir: wire.Dir{Name: "/"}, Flags: wire.CallAnnounce}
	waits.send(call.Append())
	waits.want(wire.TypeAccepted)
	if cost := call.Cost(len(argument) + 100); !isFree(s.frames, size-cost) || isFree(s.frames, size) {
		t.Errorf("a call that waits doesn't cost %d bytes", cost)
	}
	waits.conn.Close()
	last := dial(t, s)
	last.send((&wire.Call{Procedure: "sleep", Args: []string{argument, "1000"}, Dir: wire.Dir{Name: "/"}}).Append())
	last.want(wire.TypeStarted)
	testkit.Within(t, "the memory of a call that runs", func() {
		for !isFree(s.frames, size) {
			time.Sleep(time.Millisecond)
		}
	})
}

// A drain refuses the connections that still wait to be accepted when the
// listener closes.
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
	s.listeners = append(s.listeners, l) // no goroutine accepts connections there
	s.mu.Unlock()
	s.Drain(testkit.Limit, nil)
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
