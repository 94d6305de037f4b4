package client

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testbin"
	"rpcd/rpcd/wire"
)

// A relay that can't begin whole, for lack of descriptors, leaves none open.
// fault: 19
func TestRelayThatCannotBegin(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out.Close() // stands for a dup that fails
	k := &call{cmd: Command("w", "true"), bridged: true, relay: wire.NewRelay(func([]byte) error { return nil }), std: &stdio{
		streams: []wire.Stream{{Mode: wire.Relayed}, {Number: 1, Mode: wire.Relayed}},
		files:   [3]*os.File{in, out},
	}}
	before, err := testbin.Look(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		want(t, k.attach(), ErrLost, true)
	}
	if now, err := testbin.Look(os.Getpid()); err != nil || now.Descriptors != before.Descriptors {
		t.Errorf("%d descriptors, %d before (%v)", now.Descriptors, before.Descriptors, err)
	}
	if k.in != nil {
		t.Error("a reader is left, which nobody runs")
	}
}

// A grace that no clock can count isn't taken for one that has run out.
// fault: 28
func TestHugeGrace(t *testing.T) {
	w := newWorld(t)
	w.answers("w", func(c net.Conn, _ wire.Header, _ []byte) {
		_, _ = c.Write((&wire.Started{ID: "1", Dir: "/", Grace: 1<<63 - 1}).Append(wire.TypeStarted))
		if h, err := wire.ReadHeader(c); err == nil && h.Type == wire.TypeSignal {
			_, _ = c.Write((&wire.Exit{}).Append())
		}
	})
	c := Command("w", "true")
	c.Timeout = time.Hour
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = c.Signal(syscall.SIGUSR1) // the worker's cue to end the call
	if err := c.Wait(); err != nil {
		t.Errorf("%v", err)
	}
}

// answers starts a worker that reads first frames and leaves the rest to f.
func (w *world) answers(name string, f func(c net.Conn, h wire.Header, payload []byte)) {
	w.t.Helper()
	l, err := net.Listen("unix", filepath.Join(w.dir, name+".sock"))
	if err != nil {
		w.t.Fatal(err)
	}
	over := make(chan struct{})
	w.t.Cleanup(func() { l.Close(); <-over })
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if h, err := wire.ReadHeader(c); err == nil {
				if payload, err := wire.ReadPayload(c, h); err == nil {
					f(c, h, payload)
				}
			}
			c.Close()
		}
	}()
}

// A signal that comes while the call is being sent follows it.
// fault: 91
func TestSignalBehindTheCall(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("unix", filepath.Join(w.dir, "fake.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cmd := Command("fake", "sort", strings.Repeat("x", 1<<20)) // more than a socket holds
	over := make(chan error, 1)
	go func() { over <- cmd.Run() }()
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte // it is on its way
	if _, err := io.ReadFull(c, b[:]); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() { told <- cmd.Signal(syscall.SIGTERM) }()
	br := io.MultiReader(bytes.NewReader(b[:]), c)
	for _, want := range []wire.Type{wire.TypeCall, wire.TypeSignal} {
		h, err := wire.ReadHeader(br)
		if err == nil {
			_, err = wire.ReadPayload(br, h)
		}
		if err != nil || h.Type != want {
			t.Fatalf("a %v frame, %v; want %v", h.Type, err, want)
		}
	}
	c.Close()
	if err := <-told; err != nil {
		t.Errorf("the signal: %v", err)
	}
	want(t, <-over, ErrLost, true)
}
