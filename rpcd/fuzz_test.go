package rpcd

import (
	"encoding/binary"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// hostileCaller is what a hostile caller sends, as a fuzzer's bytes say.
type hostileCaller struct {
	words       []byte
	descriptors int // ride on the first byte
}

// callerSteps are the grammar. n is any byte.
var callerSteps = [...]func(c *hostileCaller, n int){
	func(c *hostileCaller, n int) { // CALL with streams of all modes
		m := &wire.Call{Flags: uint16(n % 16), Procedure: []string{"true", "cat", "no such", ""}[n%4], Dir: wire.Dir{Name: "/"}, Heartbeat: time.Duration(n) << 20, Timeout: time.Duration(n%2) << 26}
		for i := range n % 4 {
			m.Streams = append(m.Streams, wire.Stream{Number: uint8(i), Mode: wire.Mode((n >> 2) % 5), Index: uint8(i & n >> 4), Flags: uint8(min(i, 1)), Window: uint32(n) << 8})
		}
		c.words = append(c.words, m.Append()...)
		c.descriptors = (n >> 3) % 4
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Ping(wire.Dir{Name: "/"})...)
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Question([]wire.Type{wire.TypeList, wire.TypePS}[n%2])...)
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, (&wire.Kill{ID: "1", Signal: uint8(1 + n%31)}).Append()...)
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Frame(wire.TypeData, uint8(n%3), uint16(n%4), make([]byte, n<<6))...)
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Frame([]wire.Type{wire.TypeEnd, wire.TypeClosed}[n%2], uint8(n%5), 0, nil)...)
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Frame(wire.TypeCredit, uint8(n%3), uint16(n%2), binary.BigEndian.AppendUint32(nil, 1<<(n%32)))...)
	},
	func(c *hostileCaller, n int) {
		for range n {
			c.words = append(c.words, wire.Frame(wire.TypeHeartbeat, 0, uint16(n%2), nil)...)
		}
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Signal(uint8(n%40), uint16(n>>6))...)
	},
	func(c *hostileCaller, n int) {
		c.words = append(c.words, wire.Frame([]wire.Type{wire.TypeStopped, wire.TypeContinued}[n%2], 0, 0, nil)...)
	},
	func(c *hostileCaller, n int) { // a frame of a worker's
		c.words = append(c.words, wire.Frame(wire.TypeAccepted+wire.Type(n%8), 0, 0, nil)...)
	},
	func(c *hostileCaller, n int) { // any header
		c.words = binary.BigEndian.AppendUint64(c.words, uint64(n)<<(n%57))
	},
	func(c *hostileCaller, n int) { // the last bytes are missing
		c.words = c.words[:len(c.words)-min(len(c.words), n)]
	},
}

// Whatever frames a caller sends, with whatever descriptors, the worker answers in
// frames and in their order. When the caller has closed, nothing of it is left.
// fault: 129
func FuzzCaller(f *testing.F) {
	for _, plan := range [][]byte{
		{0, 0}, {0, 1, 5, 0}, {0, 5, 4, 9, 5, 0, 6, 9}, {1, 0, 1, 0, 2, 0, 2, 1, 3, 14}, {0, 16, 0, 16, 0, 16}, {0, 61, 8, 15, 8, 200}, {0, 13, 9, 0, 9, 1, 9, 0},
		{0, 9, 7, 255}, {0, 1, 7, 255}, {0, 33, 4, 255, 4, 255}, {0, 3, 11, 7}, {0, 1, 12, 3}, {0, 1, 10, 3}, {3, 8, 0, 18, 3, 8},
	} {
		f.Add(plan, true)
		f.Add(plan, false)
	}
	f.Fuzz(func(t *testing.T, plan []byte, reads bool) {
		c := &hostileCaller{}
		for ; len(plan) > 1 && len(c.words) < 1<<20; plan = plan[2:] {
			callerSteps[int(plan[0])%len(callerSteps)](c, int(plan[1]))
		}
		s := newServer(t, "any")
		theirs, ours, err := fdconn.Pair()
		if err != nil {
			t.Skip(err)
		}
		over := make(chan struct{})
		go func() { defer close(over); s.ServeConn(theirs) }()
		null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skip(err)
		}
		defer unix.Close(null)
		read := make(chan struct{})
		go func() {
			defer close(read)
			if reads {
				answersInOrder(t, ours)
			}
		}()
		testkit.Within(t, "the connection", func() {
			_ = ours.SetDeadline(time.Now().Add(200 * time.Millisecond)) // of a worker that waits for the rest of a frame
			_ = ours.WriteDescriptors(c.words, slices.Repeat([]int{null}, c.descriptors))
			if !reads {
				ours.Close()
			}
			<-read
			ours.Close()
			<-over
		})
		wantLoad(t, s, 0, 0)
	})
}

// answersInOrder reads a worker's frames until the connection ends, or the worker has
// no more to say.
func answersInOrder(t *testing.T, conn io.Reader) {
	runs := false
	for {
		h, err := wire.ReadHeader(conn)
		if err != nil {
			return
		}
		b, err := wire.ReadPayload(conn, h)
		if err != nil {
			return
		}
		right := true
		switch h.Type {
		case wire.TypeHeartbeat:
		case wire.TypeData, wire.TypeEnd, wire.TypeClosed, wire.TypeCredit:
			right = runs
		case wire.TypeStarted:
			right, runs = !runs, true
		case wire.TypeExit:
			m, err := wire.ParseExit(h.Flags, b)
			right, runs = runs && err == nil && m != nil, false
		case wire.TypeRefused:
			_, err := wire.ParseRefused(b)
			right = !runs && err == nil
		case wire.TypeAccepted, wire.TypePong, wire.TypeListing, wire.TypeCalls, wire.TypeSignaled:
			right = !runs
		default:
			right = false
		}
		if !right {
			t.Errorf("a %v frame (%q), while a call runs: %v", h.Type, b, runs)
		}
	}
}
