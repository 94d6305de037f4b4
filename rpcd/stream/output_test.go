package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// testOutput is an output with its caller, and the end of its pipe that a
// procedure and other processes have.
type testOutput struct {
	*output
	t      *testing.T
	w      *os.File
	relay  *wire.Relay
	caller *fdconn.Conn
}

// newTestOutput makes one whose caller gives a first credit in bytes.
func newTestOutput(t *testing.T, credit uint32) *testOutput {
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
	if err := caller.SetDeadline(time.Now().Add(testkit.Limit)); err != nil {
		t.Fatal(err)
	}
	relay := wire.NewRelay(ours.WriteFrame)
	return &testOutput{newOutput(ours, relay, wire.Stream{Number: 1, Window: credit}, r), t, w, relay, caller}
}

func (o *testOutput) write(n int) {
	o.t.Helper()
	if _, err := o.w.Write(make([]byte, n)); err != nil {
		o.t.Fatal(err)
	}
}

func (o *testOutput) grant(n uint32) {
	o.t.Helper()
	if err := o.relay.Handle(wire.Header{Type: wire.TypeCredit, Stream: 1, Length: 4}, bytes.NewReader(binary.BigEndian.AppendUint32(nil, n))); err != nil {
		o.t.Fatal(err)
	}
}

// payload gives the bytes that come next; empty: END.
func (o *testOutput) payload() []byte {
	o.t.Helper()
	h, err := wire.ReadHeader(o.caller)
	var b []byte
	if err == nil {
		b, err = wire.ReadPayload(o.caller, h)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// next gives how many bytes come next; 0: END.
func (o *testOutput) next() int {
	o.t.Helper()
	return len(o.payload())
}

func (o *testOutput) want(n int) {
	o.t.Helper()
	if got := o.next(); got != n {
		o.t.Fatalf("%d bytes came (0 is the end), want %d", got, n)
	}
}

// wantEnd waits until run is over, and checks what wait says.
func (o *testOutput) wantEnd(held bool) {
	o.t.Helper()
	testkit.Within(o.t, "run", func() { <-o.done })
	if o.heldOpen != held {
		o.t.Errorf("held by another process: %v, want %v", o.heldOpen, held)
	}
}

// otherReader opens the pipe to read it, as /dev/stdout is opened. The caller
// closes it.
func (o *testOutput) otherReader() int {
	o.t.Helper()
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", o.w.Fd()), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	return fd
}

const pipeSize = 64 << 10 // pipe(7)

// Another process writes faster than the caller reads, so the pipe is always
// full. It delays the end no more than any other.
// fault: 48
func TestFastWriterAfterTheEnd(t *testing.T) {
	o := newTestOutput(t, pipeSize)
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
	o.wantEnd(true)
}

// A caller that reads slowly gets all that was written before the end, and what
// comes later doesn't wait for it.
// fault: 48
func TestSlowCallerAfterTheEnd(t *testing.T) {
	o := newTestOutput(t, 10)
	o.write(100)
	o.finish()
	go o.run()
	o.want(10)
	time.Sleep(2 * othersWait)
	o.write(50)
	o.grant(90)
	o.want(90)
	o.want(0)
	o.wantEnd(true)
}

// An output that waits for credit needs none when nothing is left to send.
// fault: 48
func TestNoCreditAtTheEnd(t *testing.T) {
	for _, held := range []bool{false, true} {
		o := newTestOutput(t, 10)
		o.write(10)
		go o.run()
		o.want(10)
		if !held {
			o.w.Close()
		}
		o.finish()
		o.want(0)
		o.wantEnd(held)
	}
}

// Another reader may take what was written before the end. The pipe stays open.
// fault: 107
func TestAnotherReaderAfterTheEnd(t *testing.T) {
	o := newTestOutput(t, 10)
	o.write(100)
	o.finish()
	go o.run()
	o.want(10)
	fd := o.otherReader()
	defer unix.Close(fd)
	if n, err := unix.Read(fd, make([]byte, 100)); n != 90 {
		t.Fatal(n, err)
	}
	o.grant(100)
	o.want(0)
	o.wantEnd(true)
}

// A frame has all the bytes that its header promised, even if another process
// reads the pipe meanwhile.
// fault: 107
func TestAnotherReaderOfAnOutput(t *testing.T) {
	o := newTestOutput(t, wire.MaxData)
	o.write(pipeSize)
	fd := o.otherReader()
	defer unix.Close(fd)
	if !o.passage.usable() {
		t.Fatal("the kernel doesn't keep writes apart")
	}
	row, n, full := o.passage.take(o.pipe, pipeSize)
	if stolen, err := unix.Read(fd, make([]byte, pipeSize)); stolen > 0 || n != pipeSize || !full {
		t.Fatalf("%d bytes of %d are ours, another reader got %d, %v", n, pipeSize, stolen, err)
	}
	header, err := o.out.Header(n)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "Splice", func() {
		if err := o.conn.Splice(header, row.ends[0], n); err != nil {
			t.Error(err)
		}
	})
	o.passage.close()
	o.want(pipeSize)
}

// Spliced or copied, the caller gets the same bytes: in big frames and small
// ones, while the procedure runs and when it has ended.
func TestSplicedAsCopied(t *testing.T) {
	for _, copies := range []bool{false, true} {
		t.Run(fmt.Sprintf("copies %v", copies), func(t *testing.T) {
			sizes := []int{1, leastSplice - 1, leastSplice, leastSplice + 1, pipeSize}
			o := newTestOutput(t, 1+3*leastSplice+pipeSize)
			o.passage.useless = copies
			rnd := rand.New(rand.NewPCG(1, 2))
			var sent, got []byte
			write := func(n int) {
				b := make([]byte, n)
				for i := range b {
					b[i] = byte(rnd.Uint32())
				}
				if _, err := o.w.Write(b); err != nil {
					t.Fatal(err)
				}
				sent = append(sent, b...)
			}
			take := func() {
				for len(got) < len(sent) {
					got = append(got, o.payload()...)
				}
			}
			go o.run()
			for _, n := range sizes {
				write(n)
				take()
			}
			write(pipeSize) // there is no credit for that before the end
			o.w.Close()
			o.finish()
			o.grant(pipeSize)
			take()
			o.want(0)
			o.wantEnd(false)
			if !bytes.Equal(got, sent) {
				t.Error("the bytes are changed on their way")
			}
			if in, out := o.relayed(); in != 0 || out != int64(len(sent)) {
				t.Errorf("%d bytes in and %d out are counted, %d were sent", in, out, len(sent))
			}
			if o.passage.useless != true { // closed, or never used
				t.Error("the passage is left open")
			}
		})
	}
}

// An output is given up if its caller takes nothing more, even if bytes are left.
func TestGiveUp(t *testing.T) {
	o := newTestOutput(t, 10)
	o.write(100)
	go o.run()
	o.want(10)
	o.finish()
	o.giveUp()
	o.want(0)
	o.wantEnd(true)
}

// The error of a write isn't taken for the end of a wait: nobody waits on for
// the procedure's end when its caller has left.
func TestConnectionEndsWhileTheProcedureRuns(t *testing.T) {
	o := newTestOutput(t, 10)
	if err := o.conn.SetDeadline(past); err != nil {
		t.Fatal(err)
	}
	o.write(10)
	go o.run()
	o.wantEnd(false)
}
