package main_test

import (
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// roomFor gives n. It doesn't return if this process may not open n connections.
// The worker has the same limit of open files.
func roomFor(t *testing.T, n int) int {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if want := uint64(n + 500); l.Cur < want {
		testkit.Lack(t, "%d connections need a ulimit -n of %d, and it is %d", n, want, l.Cur)
	}
	return n
}

// served checks that an ordinary call succeeds.
func (w *world) served(t testing.TB) {
	t.Helper()
	if out, err := w.rpc(w.socket, "echo", "served").CombinedOutput(); err != nil || string(out) != "served\n" {
		t.Errorf("an ordinary caller: %v, %q", err, out)
	}
}

// TestSilentCrowd has 1000 callers that send nothing or part of a header. They are
// dropped when the time for a first frame is over. Other callers are served
// meanwhile.
// fault: 25
func TestSilentCrowd(t *testing.T) {
	many := roomFor(t, 1000)
	w := startWorld(t, "passed")
	before := w.idle(t)
	var crowd []*raw
	for i := range many {
		c := dialRaw(t, w)
		c.write([]byte("\x01\x00\x00\x00")[:i%5])
		crowd = append(crowd, c)
	}
	for range 20 {
		w.served(t)
	}
	for _, c := range crowd {
		c.closed("a silent one")
	}
	w.restored(t, before)
	w.served(t)
}

// TestCrowd makes 10,000 connections at once. Each is answered or refused, and
// rpcd holds nothing of them afterwards.
// fault: 32
func TestCrowd(t *testing.T) {
	many := 10000
	if testing.Short() {
		many = 1000
	}
	many = roomFor(t, many)
	w := startWorld(t, "passed")
	before := w.idle(t)
	var all, connected sync.WaitGroup
	var mu sync.Mutex
	counts := map[string]int{}
	connected.Add(many)
	for range many {
		all.Go(func() {
			what := w.ask(&connected)
			mu.Lock()
			defer mu.Unlock()
			counts[what]++
		})
	}
	connected.Wait()
	w.served(t)
	all.Wait()
	t.Logf("%v", counts)
	for what, n := range counts {
		if what != "answered" && !strings.HasPrefix(what, "is busy: ") {
			t.Errorf("%d of %d: %s", n, many, what)
		}
	}
	w.restored(t, before)
	w.served(t)
}

// ask connects, waits until all others have done so, and sends a question. It
// returns what came of it.
func (w *world) ask(connected *sync.WaitGroup) string {
	var c net.Conn
	var err error
	for end := time.Now().Add(rawTime); ; time.Sleep(10 * time.Millisecond) { // tries again while the backlog is full
		if c, err = net.Dial("unix", w.socket); err == nil || time.Now().After(end) {
			break
		}
	}
	connected.Done()
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	connected.Wait()
	_ = c.SetDeadline(time.Now().Add(rawTime))
	_, _ = c.Write(wire.Question(wire.TypePing)) // fails if the worker has refused already; the refusal is read below
	h, err := wire.ReadHeader(c)
	if err != nil {
		return err.Error()
	}
	b, err := wire.ReadPayload(c, h)
	if err != nil {
		return err.Error()
	}
	if h.Type == wire.TypePong {
		return "answered"
	}
	m, err := wire.ParseRefused(b)
	if err != nil || h.Type != wire.TypeRefused {
		return h.Type.String()
	}
	return m.Text
}
