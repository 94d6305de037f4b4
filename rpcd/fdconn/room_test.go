package fdconn

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// waitsForRoom says whether the kernel wakes this process when the other side has read.
func waitsForRoom(t *testing.T, c *Conn) (waits bool) {
	t.Helper()
	rc, err := c.s.Load().SyscallConn()
	if err == nil {
		err = rc.Control(func(fd uintptr) { waits = entryOf(int(fd)) != nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return waits
}

// A connection that ignores room waits for it while a write does, and not after that.
func TestIgnoreRoom(t *testing.T) {
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if !waitsForRoom(t, a) {
		t.Fatal("Go's poller isn't found, or waits for other events than it did")
	}
	a.IgnoreRoom()
	if waitsForRoom(t, a) {
		t.Error("it waits for room")
	}
	if !waitsForRoom(t, b) {
		t.Error("another one doesn't wait for room")
	}
	much := bytes.Repeat([]byte("12345678"), 1<<20)
	got := make([]byte, len(much))
	var err error
	for range 3 {
		written := make(chan error, 1)
		go func() { written <- a.WriteFrame(much) }()
		testkit.Eventually(t, "the write waits", func() bool { return waitsForRoom(t, a) })
		testkit.Within(t, "reading", func() { _, err = io.ReadFull(b, got) })
		if err != nil || !bytes.Equal(got, much) {
			t.Fatalf("other bytes, %v", err)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		if waitsForRoom(t, a) {
			t.Error("it waits for room after the write")
		}
	}
	if err := b.WriteFrame([]byte("x")); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "reading", func() { _, err = a.Read(got) })
	if err != nil || got[0] != 'x' {
		t.Errorf("%q, %v", got[0], err)
	}
}

// Neither a deadline nor the other side's end leaves a write waiting.
func TestIgnoreRoomEnds(t *testing.T) {
	for what, end := range map[string]func(a, b *Conn){
		"a deadline":     func(a, _ *Conn) { _ = a.SetDeadline(time.Now()) },
		"the other side": func(_, b *Conn) { b.Close() },
		"hanging up":     func(a, _ *Conn) { a.HangUp() },
	} {
		a, b := pair(t)
		a.IgnoreRoom()
		written := make(chan error, 1)
		go func() { written <- a.WriteFrame(make([]byte, 8<<20)) }()
		testkit.Eventually(t, "the write waits", func() bool { return waitsForRoom(t, a) })
		end(a, b)
		var err error
		testkit.Within(t, what, func() { err = <-written })
		if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, unix.EPIPE) {
			t.Errorf("%s: %v", what, err)
		}
		a.Close()
		b.Close()
	}
}

// A connection that was detached has another entry in Go's poller.
func TestIgnoreRoomAndDetach(t *testing.T) {
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	a.IgnoreRoom()
	fd, err := a.Detach()
	if err == nil {
		err = a.Attach(fd)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !waitsForRoom(t, a) {
		t.Error("it doesn't wait for room")
	}
	written := make(chan error, 1)
	go func() { written <- a.WriteFrame(make([]byte, 8<<20)) }()
	testkit.Within(t, "reading", func() {
		_, err = io.ReadFull(b, make([]byte, 8<<20))
		err = errors.Join(err, <-written)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !waitsForRoom(t, a) {
		t.Error("it doesn't wait for room after a write")
	}
}

// A write that moves bytes (splice(2)) waits for room likewise.
func TestIgnoreRoomAndSplice(t *testing.T) {
	a, b, r, w := spliced(t, nil)
	a.IgnoreRoom()
	part := bytes.Repeat([]byte("x"), 64<<10) // the capacity of a pipe
	const parts = 64
	written := make(chan error, 1)
	go func() {
		for range parts {
			_, err := unix.Write(w, part)
			if err == nil {
				err = a.Splice(nil, r, len(part))
			}
			if err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	testkit.Within(t, "reading", func() {
		if _, err := io.ReadFull(b, make([]byte, parts*len(part))); err != nil {
			t.Error(err)
		}
	})
	if err := <-written; err != nil {
		t.Error(err)
	}
}
