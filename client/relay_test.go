package client

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client/replica"
	"rpcd/internal/proc"
	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// If one stream of a relay can't get a descriptor, none of them stays open.
// fault: 19
func TestRelayThatCannotBegin(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out.Close() // makes dup fail, as a lack of descriptors would
	k := &call{Caller: talk.NewCaller(talk.NewConn(nil), &wire.Call{}), cmd: Command("w", "true"), bridged: true, std: &stdio{
		streams: []wire.Stream{{Mode: wire.Relayed}, {Number: 1, Mode: wire.Relayed}},
		files:   []*os.File{in, out},
	}}
	before, err := proc.Look(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		want(t, k.attach(), ErrLost, true)
	}
	if now, err := proc.Look(os.Getpid()); err != nil || now.Descriptors != before.Descriptors {
		t.Errorf("%d descriptors, %d before (%v)", now.Descriptors, before.Descriptors, err)
	}
	if len(k.inputs) > 0 {
		t.Error("a reader is left, which nobody runs")
	}
}

// A pipe of the caller gets the same bytes whether they are spliced or copied, and
// in frames of every size.
func TestSplicedAsCopied(t *testing.T) {
	for _, splices := range []bool{true, false} {
		conn, worker, err := fdconn.Pair()
		if err != nil {
			t.Fatal(err)
		}
		r, to, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.FcntlInt(to.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		c := &replica.Connection{Conn: talk.NewConn(conn), FD: conn}
		k := newCall(Command("w", "true"), c, talk.NewCaller(c.Conn, &wire.Call{}), &stdio{})
		var p *passage
		if splices {
			if p = openPassage(); p == nil {
				t.Log("this system gives no big pipes: everything is copied")
			}
		}
		w := newWriter(k, wire.Stream{Number: 1, Window: outWindow}, fd, to, p)
		k.outputs = append(k.outputs, w)
		var frames, sent []byte
		for _, n := range []int{1, 32 << 10, 5, 200 << 10, 5} {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(rand.Uint32())
			}
			sent = append(sent, b...)
			frames = append(frames, wire.Frame(wire.TypeData, 1, wire.DataPages, b)...)
		}
		frames = append(frames, wire.Frame(wire.TypeEnd, 1, 0, nil)...)
		go func() { _ = worker.WriteFrame(append(frames, (&wire.Exit{}).Append()...)) }()
		go w.run()
		to.Close()
		read := make(chan error, 1)
		go func() { _, err := k.read(); read <- err }()
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("splices %v: %d bytes of %d, or others; %v", splices, len(got), len(sent), err)
		}
		if err := errors.Join(<-w.done, <-read); err != nil {
			t.Error(err)
		}
		w.close()
		r.Close()
		worker.Close()
		conn.Close()
	}
}

// A grace that is too long for a time.Time doesn't count as run out.
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
	_ = c.Signal(syscall.SIGUSR1) // on which the fake worker ends the call
	if err := c.Wait(); err != nil {
		t.Errorf("%v", err)
	}
}

// answers starts a fake worker. It reads the first frame of each connection and
// calls f.
func (w *world) answers(name string, f func(c net.Conn, h wire.Header, payload []byte)) {
	w.t.Helper()
	testkit.Listen(w.t, filepath.Join(w.dir, name+".sock"), func(c *net.UnixConn) {
		if h, err := wire.ReadHeader(c); err == nil {
			if payload, err := wire.ReadPayload(c, h); err == nil {
				f(c, h, payload)
			}
		}
	})
}

// A signal that comes while CALL is being written is sent after it.
// fault: 91
func TestSignalBehindTheCall(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("unix", filepath.Join(w.dir, "fake.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cmd := Command("fake", "sort", strings.Repeat("x", 1<<20)) // more than a socket's buffer holds
	over := make(chan error, 1)
	go func() { over <- cmd.Run() }()
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte // once it is read, CALL is being written
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
