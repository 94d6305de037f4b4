package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"
)

// A hostile peer, as a grammar: each byte of a script chooses what its frames hold.
// The fuzzers of the parsers find such frames only by chance, since they are long.

var (
	hostileSizes   = []int{0, 1, 2, 8, 250, MaxName, MaxName + 1, 2049, MaxPath, MaxLabel + 1, 60_000, 1 << 20}
	hostileRepeats = []int{1, 1, 1, 2, 70, 1000, 100_000, 1 << 20}
	hostileFills   = []string{"x", "/", "a=", "\xff", "\x00", "\u202e"}
)

type script struct{ b []byte }

func (s *script) next() int {
	if len(s.b) == 0 {
		return 0
	}
	n := s.b[0]
	s.b = s.b[1:]
	return int(n)
}

// fields gives fields of at most room bytes. Those that are nested end with a tag of 0.
func (s *script) fields(room int, nested bool) []byte {
	var f fields
	for len(s.b) > 0 {
		tag := uint16(s.next() % 16)
		switch tag {
		case 0:
			if nested {
				return f.b
			}
		case 14:
			tag = 99
		case 15:
			tag = critical + 1
		}
		var value []byte
		if kind := s.next(); kind%3 == 0 && !nested {
			value = s.fields(room-len(f.b)-fieldHead, true)
		} else {
			size, fill := hostileSizes[kind/3%len(hostileSizes)], hostileFills[s.next()%len(hostileFills)]
			value = bytes.Repeat([]byte(fill), size/len(fill)+1)[:size]
		}
		for range hostileRepeats[s.next()%len(hostileRepeats)] {
			if len(f.b)+fieldHead+len(value) > room {
				break
			}
			f.bytes(tag, value)
		}
	}
	return f.b
}

// costsOfParsing are what parsers may take of memory, garbage included, in bytes, for a
// payload of n bytes.
var costsOfParsing = map[Type]struct {
	parse func(payload []byte) error
	most  func(n int) int64
}{
	TypeCall: {func(b []byte) error { c, err := ParseCall(0, b); return c.kept(err) },
		func(n int) int64 { return MostCost(n) - int64(n) }}, // without the frame itself
	TypePing:    {func(b []byte) error { _, err := ParsePing(b); return err }, func(int) int64 { return MaxPath }},
	TypeKill:    {func(b []byte) error { _, err := ParseKill(b); return err }, once},
	TypeStarted: {func(b []byte) error { _, err := ParseStarted(0, b); return err }, once},
	TypeRefused: {func(b []byte) error { _, err := ParseRefused(b); return err }, once},
	TypeExit:    {func(b []byte) error { _, err := ParseExit(0, b); return err }, once},
	TypePong:    {func(b []byte) error { _, err := ParseInfo(b); return err }, list},
	TypeListing: {func(b []byte) error { _, err := ParseInfo(b); return err }, list},
	TypeCalls:   {func(b []byte) error { _, err := ParseCalls(b); return err }, list},
}

// kept gives err, or an error of its own for a call whose texts cost more than its Cost
// leaves out.
func (c *Call) kept(err error) error {
	if c != nil && len(c.Procedure)+len(c.Label)+len(c.Dir.Name)+len(c.Logical) > 4*MaxLabel {
		return errors.New("a call has long texts")
	}
	return err
}

// hostileTypes are the types of costsOfParsing, for a script to choose from.
var hostileTypes = []Type{TypeCall, TypePing, TypeKill, TypeStarted, TypeRefused, TypeExit, TypePong, TypeListing, TypeCalls}

// once is for texts that are copied.
func once(n int) int64 { return int64(n) }

// list is for entries, whose slices double while they grow: a call's empty argument has
// six bytes here, and sixteen there.
func list(n int) int64 { return 7*int64(n) + 3*maxEntries*int64(unsafe.Sizeof(Running{})) }

// slackOfParsing is what errors, maps and other goroutines take.
const slackOfParsing = 256 << 10

// hostileFrame gives a frame's type and payload for a script.
func hostileFrame(b []byte) (Type, []byte) {
	s := &script{b}
	kind := hostileTypes[s.next()%len(hostileTypes)]
	var payload []byte
	if kind.First() {
		payload = []byte(mark)
	}
	return kind, append(payload, s.fields(int(kinds[kind].max)-len(payload), false)...)
}

// FuzzHostileFrames: no frame of a hostile caller's or worker's makes its reader take
// more memory than is counted for it, and no error is long.
// fault: 120 122
func FuzzHostileFrames(f *testing.F) {
	if testing.Short() { // as the race detector's tests are: to that, frames of megabytes are slow
		f.Skip("it measures memory")
	}
	const often = 7 // the last of the repeats
	f.Add([]byte{7, 5, 0, 1, 4, 0, 0, 0, often})
	f.Add([]byte{8, 2, 0, 1, 4, 0, 0, 0, often})
	for _, size := range []byte{0, 1, 8, 11} {
		for _, tag := range []byte{1, 2, 3, 4, 5, 6, 7, 8, 11, 15} {
			fill := byte(3)
			if tag == 3 {
				fill = 2
			}
			for kind := range byte(len(hostileTypes)) {
				f.Add([]byte{kind, 1, 4, 0, 0, tag, 3*size + 1, fill, often})
			}
			f.Add([]byte{7, 5, 0, 1, 4, 0, 0, tag, 3*size + 1, 3, 4, 0, often}) // procedures
			f.Add([]byte{8, 2, 0, 1, 4, 0, 0, tag, 3*size + 1, 3, 4, 0, often}) // calls
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, payload := hostileFrame(b)
		c := costsOfParsing[kind]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.parse(payload)
		runtime.ReadMemStats(&after)
		if took, most := int64(after.TotalAlloc-before.TotalAlloc), c.most(len(payload))+slackOfParsing; took > most {
			t.Errorf("%v of %d bytes: its reader takes %d bytes, at most %d are counted (%v)", kind, len(payload), took, most, err)
		}
		if err != nil && (!errors.Is(err, ErrProtocol) || len(err.Error()) > maxError+100) {
			t.Errorf("%v: %.600v", kind, err)
		}
	})
}

// memory is what an In holds, in bytes.
func (in *In) memory() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := cap(in.given.Bytes) + cap(in.queue)*int(unsafe.Sizeof(Piece{}))
	for _, p := range in.queue {
		n += cap(p.Bytes)
	}
	return n
}

// hostileStream plays a script of frames for a stream of this window, whose reader does
// something at times. check is called after each step.
func hostileStream(t *testing.T, window int, b []byte, check func(in *In)) {
	var granted []byte // frames of ours
	r := NewRelay(func(frame []byte) error { granted = append(granted, frame...); return nil })
	in := r.In(1, uint32(window), uint32(window))
	credit := window
	queued := 0 // or ended: Next doesn't wait
	s := &script{b}
	for len(s.b) > 0 {
		op := s.next()
		size := []int{1, 1, 2, 100, 2049, PipeBuf, PipeBuf + 1, window}[op>>3&7]
		var err error
		switch op & 7 {
		case 0:
			queued = 1
			err = handle(r, end(1))
		case 1, 2:
			if queued > 0 {
				_, _ = in.Next()
			}
			in.mu.Lock()
			queued = len(in.queue)
			in.mu.Unlock()
		case 3:
			n := min(size, credit)
			if _, err = in.Arrive(n); err == nil {
				in.PushHeld(n)
				credit, queued = credit-n, 1
			}
		case 4:
			if s.next()%16 == 0 {
				queued, err = 1, in.Close()
			}
		default:
			for range hostileRepeats[s.next()%6] {
				n := min(size, max(credit, 1)) // over its credit once
				if err = handle(r, data(1, string(make([]byte, n)))); err != nil {
					break
				}
				credit, queued = credit-n, 1
			}
		}
		for ; len(granted) > 0; granted = granted[HeaderLen+int(binary.BigEndian.Uint32(granted[4:])):] {
			if Type(granted[0]) == TypeCredit {
				credit += int(binary.BigEndian.Uint32(granted[HeaderLen:]))
			}
		}
		check(in)
		if err != nil { // the connection ends
			if !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
			r.Abort(io.ErrUnexpectedEOF)
			check(in)
			return
		}
	}
}

// FuzzHostileStream: whatever the sizes of a stream's frames, and whenever they are
// taken, a stream holds no more than twice its window.
// fault: 122
func FuzzHostileStream(f *testing.F) {
	for size := range byte(8) {
		f.Add(bytes.Repeat([]byte{size<<3 | 5, 5}, 30))
		f.Add(bytes.Repeat([]byte{size<<3 | 5, 0, 5, 0}, 50)) // by turns with a byte
		f.Add(bytes.Repeat([]byte{size<<3 | 5, 0, 3}, 60))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkHostileStream(t, b[:min(len(b), 200)]) })
}

func checkHostileStream(t *testing.T, b []byte) {
	const window = 32 << 10
	hostileStream(t, window, b, func(in *In) {
		if n := in.memory(); n > 2*window+window/8 {
			t.Fatalf("%d bytes are held in a window of %d", n, window)
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.closed && (in.queue != nil || in.given.Bytes != nil) {
			t.Fatal("a closed stream holds bytes")
		}
	})
}

// TestHostileStreams is FuzzHostileStream with scripts by chance.
// fault: 122
func TestHostileStreams(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		b := make([]byte, 200)
		for i := range b {
			if b[i] = byte(rnd.Uint32()); b[i]&7 == 0 {
				b[i]++ // few streams end
			}
		}
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { checkHostileStream(t, b) }) {
			return
		}
	}
}
