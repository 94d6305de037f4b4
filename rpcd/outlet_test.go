package rpcd

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// output is an outlet with a credit in bytes, the end of its pipe that a
// procedure would have, and the caller's end of its connection.
func output(t *testing.T, credit uint32) (o *outlet, w *os.File, caller *fdconn.Conn) {
	t.Helper()
	caller, ours, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil { // Go's: a write still waits
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(p[0]), "pipe"), os.NewFile(uintptr(p[1]), "pipe")
	t.Cleanup(func() { caller.Close(); ours.Close(); r.Close(); w.Close() })
	if err := caller.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	relay := wire.NewRelay(ours.WriteFrame)
	return newOutlet(ours, relay, wire.Stream{Number: 1, Window: credit}, r), w, caller
}

// What a header promised is sent, whoever else reads the pipe meanwhile.
func TestAnotherReaderOfAnOutput(t *testing.T) {
	o, w, caller := output(t, wire.MaxData)
	data := bytes.Repeat([]byte("x"), 64<<10)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	thief, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", w.Fd()), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(thief)
	sent := make(chan error, 1)
	go func() {
		_, err := o.Splice(wire.MaxData, func(n int) ([]byte, error) {
			_, _ = unix.Read(thief, make([]byte, len(data)))
			return wire.Frame(wire.TypeData, 1, 0, make([]byte, n))[:wire.HeaderLen], nil
		})
		sent <- err
	}()
	within(t, "Splice", func() {
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
	h, err := wire.ReadHeader(caller)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := wire.ReadPayload(caller, h); err != nil || !bytes.Equal(b, data) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
