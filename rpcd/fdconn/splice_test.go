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

// spliced gives a connected pair a and b, and the two ends of a pipe that holds
// data.
func spliced(t *testing.T, data []byte) (a, b *Conn, r, w int) {
	t.Helper()
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	if len(data) > 0 {
		if n, err := unix.Write(p[1], data); n != len(data) || err != nil {
			t.Fatal(n, err)
		}
	}
	return a, b, p[0], p[1]
}

func TestSplice(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 4<<10) // 64 KiB, the capacity of a pipe
	a, b, r, _ := spliced(t, data)
	sent := make(chan error, 1)
	go func() { sent <- b.Splice([]byte("head"), r, len(data)-16) }()
	got := make([]byte, 4+len(data)-16)
	if _, err := io.ReadFull(a, got); err != nil || <-sent != nil {
		t.Fatal(err)
	}
	if string(got[:4]) != "head" || !bytes.Equal(got[4:], data[:len(data)-16]) {
		t.Error("it is changed on its way")
	}
	left := make([]byte, 32)
	if n, _ := unix.Read(r, left); n != 16 {
		t.Errorf("%d bytes are left in the pipe, not 16", n)
	}
}

func TestSpliceToNobody(t *testing.T) {
	a, b, r, _ := spliced(t, make([]byte, 4096))
	a.Close()
	if err := b.Splice([]byte("head"), r, 4096); err == nil {
		t.Error("no error")
	}
}

// Another process has taken the bytes from the pipe. Splice fails instead of
// waiting for them while it holds the connection's lock.
// fault: 107
func TestSpliceOfWhatIsGone(t *testing.T) {
	_, b, r, _ := spliced(t, make([]byte, 1000))
	if err := unix.SetNonblock(r, true); err != nil { // as rpcd's own pipes are
		t.Fatal(err)
	}
	if err := b.SetDeadline(time.Now().Add(testkit.Limit)); err != nil {
		t.Fatal(err)
	}
	if err := b.Splice([]byte("head"), r, 1001); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, want an unexpected EOF", err)
	}
}

// Absorb waits for bytes that arrive late. It leaves bytes that don't fit into
// the pipe to Read.
func TestAbsorb(t *testing.T) {
	a, b, r, w := spliced(t, nil)
	data := bytes.Repeat([]byte("x"), 100<<10)
	go func() {
		_ = b.WriteFrame(data[:10<<10])
		_ = b.WriteFrame(data[10<<10:])
	}()
	if _, err := unix.FcntlInt(uintptr(w), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	n, err := a.Absorb(w, len(data))
	if err != nil || n == 0 || n == len(data) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	rest := make([]byte, len(data)-n)
	if _, err := io.ReadFull(a, rest); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(data))
	k, err := unix.Read(r, got)
	if err != nil || k != n {
		t.Errorf("the pipe holds %d bytes instead of %d, %v", k, n, err)
	}
}

func TestAbsorbFromNobody(t *testing.T) {
	a, b, _, w := spliced(t, nil)
	if err := b.WriteFrame([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if n, err := a.Absorb(w, 10); n != 3 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAbsorbWaitsNoLongerThanIdle(t *testing.T) {
	a, _, _, w := spliced(t, nil)
	a.SetIdle(10 * time.Millisecond)
	if n, err := a.Absorb(w, 10); n != 0 || !os.IsTimeout(err) {
		t.Errorf("%d, %v", n, err)
	}
}
