package client

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// frame writes an answer of a fake worker.
func frame(c net.Conn, b []byte) { _, _ = c.Write(b) }

// pong answers a PING as a worker does to which n descriptors came.
func pong(c net.Conn, n uint32) {
	frame(c, (&wire.Info{State: wire.Up, Way: &wire.Way{Descriptors: n}}).Append(wire.TypePong))
}

// A call whose connection ends was started only if the worker may have started
// it. Else it is unreachable, and worth another try.
func TestHeldCallIsNotStarted(t *testing.T) {
	accepted := func(flags uint16) []byte { return (&wire.Started{ID: "1", Flags: flags}).Append(wire.TypeAccepted) }
	const bridged = wire.StartedBridged
	for _, r := range []struct {
		name    string
		arrived uint32 // descriptors
		call    func(c net.Conn)
		wait    bool // with RetryFor
		outcome Outcome
		started bool
	}{
		{"bridged, no answer", 0, func(net.Conn) {}, false, ErrUnreachable, false},
		{"direct, no answer", 1, func(net.Conn) {}, false, ErrLost, true},
		{"bridged, half an answer", 0, func(c net.Conn) { frame(c, []byte{byte(wire.TypeAccepted)}) }, false, ErrUnreachable, false},
		{"direct, half an answer", 1, func(c net.Conn) { frame(c, []byte{byte(wire.TypeStarted)}) }, false, ErrLost, true},
		{"in the queue", 1, func(c net.Conn) { frame(c, accepted(bridged|wire.AcceptedWaits)) }, false, ErrUnreachable, false},
		{"in the queue of a direct one", 1, func(c net.Conn) { frame(c, accepted(wire.AcceptedWaits)) }, false, ErrLost, true},
		{"after CONTINUED", 0, func(c net.Conn) {
			frame(c, accepted(bridged))
			_, _ = wire.ReadHeader(c)
		}, false, ErrLost, true},
		{"direct, with RetryFor", 1, func(net.Conn) {}, true, ErrUnreachable, false},
		{"direct, with RetryFor, after CONTINUED", 1, func(c net.Conn) {
			frame(c, accepted(0))
			_, _ = wire.ReadHeader(c)
		}, true, ErrLost, true},
		{"silent, with RetryFor", 1, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, true, ErrUnreachable, false},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t)
			w.answers("w", func(c net.Conn, h wire.Header, _ []byte) {
				if h.Type == wire.TypePing {
					pong(c, r.arrived)
				} else {
					r.call(c)
				}
			})
			c := Command("w", "true")
			if r.wait {
				c.RetryFor = time.Millisecond
			}
			testkit.Within(t, "the call", func() {
				err := c.Run()
				want(t, err, r.outcome, r.started)
				if Retryable(err) == r.started {
					t.Errorf("retryable: %v", Retryable(err))
				}
			})
		})
	}
}

// When a replica is lost before the start, the call goes to the next.
func TestPoolsNextReplica(t *testing.T) {
	w := newWorld(t)
	w.pool("p")
	w.answers("p/a", func(c net.Conn, h wire.Header, _ []byte) {
		if h.Type == wire.TypePing {
			pong(c, 0)
		}
	})
	w.serve("p/b")
	occupy(t, w.socket("p/b")) // so that the other one is tried first
	c := Command("p", "echo", "here")
	var out bytes.Buffer
	c.Stdout = &out
	testkit.Within(t, "the call", func() {
		if err := c.Run(); err != nil || out.String() != "here\n" {
			t.Errorf("%q, %v", &out, err)
		}
	})
}

// A kept connection over a bridge whose far side has gone is no different.
func TestKeptConnectionOfABridge(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w")
	w.bridge("b", "w")
	var kept Connections
	defer kept.Close()
	call := func() error {
		c := Command("b", "true")
		c.Connections = &kept
		return c.Run()
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	rpcd.Kill()
	testkit.Within(t, "the call", func() { want(t, call(), ErrUnreachable, false) })
	w.serve("w")
	testkit.Within(t, "the call", func() {
		if err := call(); err != nil {
			t.Error(err)
		}
	})
}

// The last try of RetryFor has some time, too, and none has more than a call
// without it.
func TestPatience(t *testing.T) {
	for _, r := range []struct{ retryFor, left, want time.Duration }{
		{0, 0, wire.FirstTimeout},
		{time.Second, time.Second, leastPatience},
		{time.Minute, -time.Second, leastPatience},
		{time.Minute, 5 * time.Second, 5 * time.Second},
		{time.Minute, time.Minute, wire.FirstTimeout},
	} {
		c := Command("w", "true")
		c.RetryFor = r.retryFor
		if got := c.patience(time.Now().Add(r.left)); got > r.want || got < r.want-time.Second {
			t.Errorf("%v with %v left: %v, want %v", r.retryFor, r.left, got, r.want)
		}
	}
}
