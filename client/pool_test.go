package client

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// pool makes a folder for the replicas of a worker.
func (w *world) pool(name string) {
	w.t.Helper()
	if err := os.Mkdir(filepath.Join(w.dir, name), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// waits returns when n calls are in a replica's queue.
func waits(t *testing.T, worker string, n uint32) {
	t.Helper()
	testkit.Eventually(t, "calls wait at "+worker, func() bool {
		infos, err := Ping(t.Context(), worker, testkit.Limit)
		return err == nil && infos[0].Load.Waiting == n
	})
}

// background runs a call, and sends its result to the channel.
func background(c *Cmd) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	return done
}

// A call takes a place in any replica's queue. The pool is busy only if all queues
// are full.
// fault: 77
func TestPoolsShortestQueue(t *testing.T) {
	w := newWorld(t)
	w.pool("pool")
	w.serve("pool/a", "--max-calls", "1", "--queue", "0")
	w.serve("pool/b", "--max-calls", "2", "--queue", "2")
	a, b := filepath.Join(w.dir, "pool/a.sock"), filepath.Join(w.dir, "pool/b.sock")
	occupy(t, a)
	first := occupy(t, b)
	occupy(t, b)
	one := background(Command("pool", "true"))
	waits(t, b, 1)
	two := background(Command("pool", "true"))
	waits(t, b, 2)
	testkit.Within(t, "the call", func() { want(t, Command("pool", "true").Run(), ErrBusy, false) })
	_ = first.Kill()
	for _, done := range []<-chan error{one, two} {
		testkit.Within(t, "the call", func() {
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// full starts a fake replica without a free place, but with room in its queue. It
// refuses calls that don't wait, and gives those that wait to f.
func (w *world) full(name string, f func(c net.Conn)) {
	busy := &wire.Refused{Code: wire.Busy, Text: "is busy"}
	w.answers(name, func(c net.Conn, h wire.Header, payload []byte) {
		m, err := wire.ParseCall(h.Flags, payload)
		switch {
		case h.Type == wire.TypePing:
			_, _ = c.Write((&wire.Info{State: "up", Load: wire.Load{Running: 1, MaxCalls: 1, MaxQueue: 2}}).Append(wire.TypePong))
		case err != nil || m.Flags&wire.CallNoWait != 0:
			_, _ = c.Write(busy.Append())
		default:
			f(c)
		}
	})
}

// A replica that has become full is skipped. A call that was refused after its
// wait in a queue isn't tried at another replica.
// fault: 77
func TestPoolsRefusals(t *testing.T) {
	w := newWorld(t)
	w.pool("quick")
	w.full("quick/a", func(c net.Conn) { _, _ = c.Write((&wire.Refused{Code: wire.Busy, Text: "is busy"}).Append()) })
	w.serve("quick/b", "--max-calls", "1", "--queue", "9")
	first := occupy(t, filepath.Join(w.dir, "quick/b.sock"))
	next := background(Command(filepath.Join(w.dir, "quick/b.sock"), "true"))
	waits(t, filepath.Join(w.dir, "quick/b.sock"), 1)
	done := background(Command("quick", "true"))
	waits(t, filepath.Join(w.dir, "quick/b.sock"), 2)
	_ = first.Kill()
	for _, done := range []<-chan error{next, done} {
		testkit.Within(t, "the call", func() {
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}

	w.pool("slow")
	w.full("slow/a", func(c net.Conn) {
		_, _ = c.Write((&wire.Started{Flags: wire.AcceptedWaits}).Append(wire.TypeAccepted))
		_, _ = c.Write((&wire.Refused{Code: wire.Busy, Text: "is busy: waited"}).Append())
	})
	w.full("slow/b", func(net.Conn) { t.Error("the call went on to the next queue") })
	err := Command("slow", "true").Run()
	want(t, err, ErrBusy, false)
	if err != nil && !strings.HasSuffix(err.Error(), "waited") {
		t.Errorf("%v", err)
	}
}

// The error of a failed call names the replica of the pool that didn't answer.
// fault: 15
func TestPoolsErrorsNameTheReplica(t *testing.T) {
	w := newWorld(t)
	w.pool("pool")
	for _, name := range []string{"pool/a", "pool/b"} {
		w.answers(name, func(c net.Conn, _ wire.Header, _ []byte) { _, _ = io.Copy(io.Discard, c) })
	}
	_, err := Ping(t.Context(), "pool", 50*time.Millisecond)
	want(t, err, ErrLost, false)
	if err != nil && !strings.Contains(err.Error(), "pool/a.sock") {
		t.Errorf("%v", err)
	}
}

// One replica of a pool can't be reached and another doesn't answer yet. The error
// then is retryable.
// fault: 95
func TestPoolsHope(t *testing.T) {
	w := newWorld(t)
	w.pool("p")
	if err := os.WriteFile(filepath.Join(w.dir, "p/a.sock"), nil, 0o644); err != nil { // a file isn't a socket
		t.Fatal(err)
	}
	stop := make(chan struct{})
	w.answers("p/b", func(net.Conn, wire.Header, []byte) { <-stop })
	t.Cleanup(func() { close(stop) }) // runs before the fake worker's own cleanup
	err := Command("p", "true").Run()
	want(t, err, ErrUnreachable, false)
	if !Retryable(err) || !strings.Contains(err.Error(), "is a file, no socket") {
		t.Errorf("%v", err)
	}
}
