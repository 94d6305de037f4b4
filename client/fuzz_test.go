package client

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"rpcd/internal/door"
	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// script is what a hostile worker does, as a fuzzer's bytes say: a sequence of steps,
// of which each takes one byte for its kind and one for its number.
type script struct {
	words    []byte          // all that is sent
	started  bool            // STARTED came first, but for what may come before it
	ended    bool            // what came before STARTED ends the call
	statuses map[uint32]bool // of all EXIT
	out      []byte          // of all DATA of stream 1
	raw      bool            // bytes that are no frames make others of what follows
}

// add sends a frame that may not come before STARTED.
func (s *script) add(b []byte) {
	s.words = append(s.words, b...)
	s.ended = s.ended || !s.started
}

// numbers are those that a step may take: small ones, and those at bounds.
var numbers = [...]uint64{0, 1, 2, 3, 7, 8, 255, 256, 4096, 4097, 1 << 15, 1 << 16, outWindow, outWindow + 1, 1 << 30, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}

// steps are the grammar. n is one of numbers, i the index of it.
var steps = [...]func(s *script, n uint64, i int){
	func(s *script, n uint64, i int) { // ACCEPTED
		m := wire.Started{Flags: uint16(i % 4), ID: "7", Dir: "/", Grace: time.Duration(n >> 1), Wait: time.Duration(n >> 1), Text: strings.Repeat("\x1b", i)}
		s.words = append(s.words, m.Append(wire.TypeAccepted)...)
	},
	func(s *script, n uint64, i int) { // STARTED, not always bridged
		m := wire.Started{Flags: uint16(i % 2), ID: "7", Dir: "/", Grace: time.Duration(n >> 1)}
		s.words = append(s.words, m.Append(wire.TypeStarted)...)
		s.started = s.started || !s.ended
	},
	func(s *script, n uint64, i int) { // REFUSED
		s.add((&wire.Refused{Code: wire.Code(i), Text: strings.Repeat("\xff\n", i)}).Append())
	},
	func(s *script, n uint64, i int) { // EXIT, of which not each is one
		s.add((&wire.Exit{Status: uint32(n), Consumed: int64(n >> 1)}).Append())
		s.statuses[uint32(n)] = true
	},
	func(s *script, n uint64, i int) { // DATA
		data := bytes.Repeat([]byte{byte(i)}, int(min(n, 1<<16)))
		s.add(wire.Frame(wire.TypeData, 1, uint16(i%4), data))
		s.out = append(s.out, data...)
	},
	func(s *script, n uint64, i int) { // END
		s.add(wire.Frame(wire.TypeEnd, byte(1+i%2), 0, nil))
	},
	func(s *script, n uint64, i int) { // CLOSED, of any stream
		s.add(wire.Frame(wire.TypeClosed, byte(i%4), 0, nil))
	},
	func(s *script, n uint64, i int) { // CREDIT, of any number
		s.add(wire.Frame(wire.TypeCredit, byte(i%3), uint16(i%2), binary.BigEndian.AppendUint32(nil, uint32(n))))
	},
	func(s *script, n uint64, i int) { // HEARTBEAT
		s.words = append(s.words, wire.Frame(wire.TypeHeartbeat, 0, uint16(i%2), nil)...)
	},
	func(s *script, n uint64, i int) { // any header
		var b [wire.HeaderLen]byte
		binary.BigEndian.PutUint64(b[:], n<<(i%57))
		s.add(b[:])
		s.raw = true
	},
	func(s *script, n uint64, i int) { // the last bytes are missing
		s.words = s.words[:len(s.words)-min(len(s.words), i)]
		s.raw, s.ended, s.started = true, true, false
	},
}

func read(plan []byte) *script {
	s := &script{statuses: map[uint32]bool{}}
	for ; len(plan) > 1 && len(s.words) < 2<<20; plan = plan[2:] {
		i := int(plan[1]) % len(numbers)
		steps[int(plan[0])%len(steps)](s, numbers[i], i)
	}
	return s
}

// Whatever frames a worker sends, and whether it reads or not, the call ends when the
// connection does, in one line. It has no status that wasn't sent, and no output. It
// takes no more memory than what was sent, and the windows.
// fault: 129
func FuzzWorker(f *testing.F) {
	const (
		accepted, started, refused, exit, data, end = 0, 1, 2, 3, 4, 5
		closed, credit, beat, header, cut           = 6, 7, 8, 9, 10
	)
	for _, plan := range [][]byte{
		{started, 0, exit, 0},
		{accepted, 2, beat, 1, accepted, 0, started, 20, data, 9, data, 11, end, 0, end, 1, exit, 7},
		{refused, 1, exit, 0}, {refused, 6}, {refused, 20},
		{exit, 0}, {started, 0, started, 0, exit, 0}, {started, 1, refused, 1},
		{started, 0, data, 12, data, 11, data, 11, exit, 0}, {started, 0, data, 0},
		{started, 0, credit, 14, credit, 14, credit, 14, exit, 0}, {started, 0, credit, 16},
		{started, 0, closed, 0, closed, 1, exit, 0}, {started, 0, end, 0, end, 0},
		{started, 0, exit, 0, cut, 1}, {started, 0, exit, 17}, {started, 0, exit, 12}, {header, 14}, {started, 1, header, 20},
		{started, 1, data, 11, cut, 7}, {accepted, 0, accepted, 1, beat, 0},
	} {
		f.Add(plan, true)
		f.Add(plan, false)
	}
	f.Fuzz(func(t *testing.T, plan []byte, reads bool) {
		s := read(plan)
		theirs, ours, err := fdconn.Pair()
		if err != nil {
			t.Skip(err)
		}
		defer theirs.Close()
		m := &wire.Call{Procedure: "p", Dir: wire.Dir{Name: "/"}, Streams: []wire.Stream{
			{Mode: wire.Relayed}, {Number: 1, Mode: wire.Relayed, Flags: wire.StreamOutput, Window: outWindow}, {Number: 2, Flags: wire.StreamOutput}}}
		c := Command("w", "p")
		var out bytes.Buffer
		c.Dir, c.Pass, c.Stdin, c.Stdout = "/", PassNone, strings.NewReader(strings.Repeat("x", 1<<16)), &out
		door.Of(c).Adopt(door.Sent{Conn: ours, Socket: "w", Call: m})
		if reads {
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		go func() {
			_ = theirs.WriteFrame(s.words)
			theirs.Close()
		}()
		testkit.Within(t, "the call", func() { err = c.Run() })
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(16<<20+32*len(s.words)) {
			t.Errorf("%d bytes of memory for %d", took, len(s.words))
		}
		s.judge(t, c, err, out.Bytes())
	})
}

// judge compares how a call ended with what its worker has sent.
func (s *script) judge(t *testing.T, c *Cmd, err error, out []byte) {
	var failed *Error
	var exit *ExitError
	switch {
	case err == nil, errors.As(err, &exit):
		if !s.statuses[uint32(c.ProcessState.Sys())] && !s.raw {
			t.Errorf("%v, %v: a status that wasn't sent", err, c.ProcessState)
		}
	case !errors.As(err, &failed):
		t.Errorf("%v is no error of a call", err)
	case failed.Text == "" || strings.ContainsAny(failed.Error(), "\n\x1b"):
		t.Errorf("%q isn't one line", failed.Error())
	case c.ProcessState != nil && failed.Outcome != ErrTimeout:
		t.Errorf("%v, and a status: %v", err, c.ProcessState)
	case !failed.Started && s.started:
		t.Errorf("%v says that it wasn't started", err)
	}
	if !bytes.HasPrefix(s.out, out) && !s.raw {
		t.Errorf("%d bytes of output, other ones than the %d that were sent", len(out), len(s.out))
	}
}
