package testkit

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder stands in for a test that may fail.
type recorder struct {
	testing.TB
	mu   sync.Mutex
	said string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said += fmt.Sprintf(format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// run runs f as a test, and says whether f returned.
func (r *recorder) run(f func()) (returned bool) {
	over := make(chan struct{})
	go func() { defer close(over); f(); returned = true }()
	<-over
	return returned
}

func TestWithin(t *testing.T) {
	gate := make(chan struct{})
	defer close(gate)
	r := &recorder{TB: t}
	if r.run(func() { within(r, time.Millisecond, "the gate", func() { <-gate }) }) || !strings.HasPrefix(r.said, "the gate hangs:\ngoroutine") {
		t.Errorf("a hang: %.100q", r.said)
	}
	r = &recorder{TB: t}
	if r.run(func() { Within(r, "x", func() { r.Fatalf("over") }) }) || r.said != "over" {
		t.Errorf("an end of the test: %q", r.said)
	}
	r = &recorder{TB: t}
	if !r.run(func() { Within(r, "x", func() {}) }) || r.said != "" {
		t.Errorf("nothing: %q", r.said)
	}
}

func TestLine(t *testing.T) {
	r := strings.NewReader("12\nrest")
	if pid := PID(t, r); pid != 12 || r.Len() != 4 {
		t.Errorf("pid %d, %d bytes left", pid, r.Len())
	}
	fake := &recorder{TB: t}
	if pid := PID(fake, r); pid != noProcess || !strings.Contains(fake.said, `no line: "rest"`) {
		t.Errorf("pid %d, %q", pid, fake.said)
	}
}

func TestListen(t *testing.T) {
	path := Folder(t) + "/w.sock"
	Listen(t, path, func(c *net.UnixConn) { _, _ = io.WriteString(c, "hello") })
	for range 2 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "hello" {
			t.Errorf("%q, %v", b, err)
		}
		c.Close()
	}
}

func TestTerminal(t *testing.T) {
	master, slave := Terminal(t)
	if _, err := io.WriteString(slave, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if got := Line(t, master); got != "hello\r" {
		t.Errorf("%q", got)
	}
}
