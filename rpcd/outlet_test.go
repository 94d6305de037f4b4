package rpcd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// output is an outlet, the end of its pipe that a procedure and others have,
// and its caller.
type output struct {
	*outlet
	t      *testing.T
	w      *os.File
	relay  *wire.Relay
	caller *fdconn.Conn
}

// newOutput makes one whose caller gives a first credit in bytes.
func newOutput(t *testing.T, credit uint32) *output {
	t.Helper()
	caller, ours, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { caller.Close(); ours.Close(); r.Close(); w.Close() })
	if err := caller.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	relay := wire.NewRelay(ours.WriteFrame)
	return &output{newOutlet(ours, relay, wire.Stream{Number: 1, Window: credit}, r), t, w, relay, caller}
}

func (o *output) write(n int) {
	o.t.Helper()
	if _, err := o.w.Write(make([]byte, n)); err != nil {
		o.t.Fatal(err)
	}
}

func (o *output) grant(n uint32) {
	o.t.Helper()
	if err := o.relay.Handle(wire.Header{Type: wire.TypeCredit, Stream: 1, Length: 4}, bytes.NewReader(binary.BigEndian.AppendUint32(nil, n))); err != nil {
		o.t.Fatal(err)
	}
}

// next gives how many bytes come next; 0: END.
func (o *output) next() int {
	o.t.Helper()
	h, err := wire.ReadHeader(o.caller)
	if err == nil {
		_, err = wire.ReadPayload(o.caller, h)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return int(h.Length)
}

func (o *output) want(n int) {
	o.t.Helper()
	if got := o.next(); got != n {
		o.t.Fatalf("%d bytes came (0 is the end), want %d", got, n)
	}
}

// wantLeft waits until all is over.
func (o *output) wantLeft(left bool) {
	o.t.Helper()
	within(o.t, "run", func() { <-o.done })
	if o.left != left {
		o.t.Errorf("held by another process: %v, want %v", o.left, left)
	}
}

// thief opens the pipe to read it, as /dev/stdout is opened. The caller closes
// it.
func (o *output) thief() int {
	o.t.Helper()
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", o.w.Fd()), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	return fd
}

const pipeSize = 64 << 10 // pipe(7)

// A process that writes faster than the caller reads, so that the pipe is
// always full, delays the end no more than any other.
// fault: 48
func TestFastWriterAfterTheEnd(t *testing.T) {
	o := newOutput(t, pipeSize)
	o.write(pipeSize)
	go o.run()
	n := o.next()
	o.write(n)
	o.finish()
	for sum := 0; ; sum += n {
		o.grant(uint32(n))
		if n = o.next(); n == 0 {
			if sum < pipeSize {
				t.Errorf("%d bytes came of %d that were written before the end", sum, pipeSize)
			}
			break
		}
		_, _ = o.w.Write(make([]byte, n)) // EPIPE: END is on its way
	}
	o.wantLeft(true)
}

// A caller that reads slowly gets all that was written before the end, and what
// comes later doesn't wait for it.
// fault: 48
func TestSlowCallerAfterTheEnd(t *testing.T) {
	o := newOutput(t, 10)
	o.write(100)
	o.finish()
	go o.run()
	o.want(10)
	time.Sleep(2 * leftWait)
	o.write(50)
	o.grant(90)
	o.want(90)
	o.want(0)
	o.wantLeft(true)
}

// Who waits for credit needs none when nothing is left to send.
// fault: 48
func TestNoCreditAtTheEnd(t *testing.T) {
	for _, held := range []bool{false, true} {
		o := newOutput(t, 10)
		o.write(10)
		go o.run()
		o.want(10)
		if !held {
			o.w.Close()
		}
		o.finish()
		o.want(0)
		o.wantLeft(held)
	}
}

// What was due may be taken by another reader of the pipe, which stays open.
// fault: 107
func TestAnotherReaderAfterTheEnd(t *testing.T) {
	o := newOutput(t, 10)
	o.write(100)
	o.finish()
	go o.run()
	o.want(10)
	fd := o.thief()
	defer unix.Close(fd)
	if n, err := unix.Read(fd, make([]byte, 100)); n != 90 {
		t.Fatal(n, err)
	}
	o.grant(100)
	o.want(0)
	o.wantLeft(true)
}

// What a header promised is sent, whoever else reads the pipe meanwhile.
// fault: 107
func TestAnotherReaderOfAnOutput(t *testing.T) {
	o := newOutput(t, wire.MaxData)
	o.write(pipeSize)
	fd := o.thief()
	defer unix.Close(fd)
	within(t, "Splice", func() {
		_, err := o.Splice(wire.MaxData, func(n int) ([]byte, error) {
			_, _ = unix.Read(fd, make([]byte, pipeSize))
			return wire.Frame(wire.TypeData, 1, 0, make([]byte, n))[:wire.HeaderLen], nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	o.want(pipeSize)
}
