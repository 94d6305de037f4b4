package wire

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"unicode"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caps are the caps of PROTOCOL.md's table, section 2, written off by hand. A
// number that isn't there is no frame of version 1.
var caps = map[byte]uint32{
	1: 8 << 20, 2: 64 << 10, 3: 64 << 10,
	4: 64 << 10, 5: 64 << 10, 6: 64 << 10, 7: 64 << 10, 8: 64 << 10, 9: 64 << 10,
	10: 64 << 10, 11: 64 << 10, 12: 64 << 10, 13: 64 << 10, 14: 64 << 10, 15: 64 << 10,
	16: 256 << 10, 17: 0, 18: 0, 19: 4, 20: 0,
	21: 256 << 10, 22: 16, 23: 64 << 10, 24: 8, 25: 64 << 10,
	32: 1, 33: 0, 34: 0, 35: 8, 36: 0,
	48: 64 << 10, 49: 64 << 10, 50: 64 << 10, 51: 64 << 10, 52: 64 << 10, 53: 4 << 20, 54: 4 << 20, 55: 64 << 10, 56: 64 << 10,
	57: 64 << 10, 58: 64 << 10, 59: 64 << 10, 60: 64 << 10,
}

func header(kind byte, flags uint16, length uint32) []byte {
	b := make([]byte, HeaderLen)
	Header{Type(kind), 0, flags, length}.put(b)
	return b
}

// fault: 23
func TestEveryLengthIsCapped(t *testing.T) {
	for kind := range 256 {
		limit, known := caps[byte(kind)]
		if !known {
			if _, err := ParseHeader(header(byte(kind), 0, 0)); !errors.Is(err, ErrProtocol) {
				t.Errorf("type %d: %v, want a protocol error", kind, err)
			}
			continue
		}
		h, err := ParseHeader(header(byte(kind), 0, limit))
		if err != nil || h.Length != limit {
			t.Errorf("type %d of %d bytes: %v", kind, limit, err)
		}
		for _, over := range []uint32{limit + 1, 1 << 31, 1<<32 - 1} {
			if _, err := ParseHeader(header(byte(kind), 0, over)); !errors.Is(err, ErrProtocol) {
				t.Errorf("type %d of %d bytes: %v, want a protocol error", kind, over, err)
			}
		}
	}
}

func TestUnknownFlags(t *testing.T) {
	for bit := range 16 {
		h, err := ParseHeader(header(byte(TypeCall), 1<<bit, 0))
		switch {
		case bit < 8 && (err != nil || h.Flags != 1<<bit):
			t.Errorf("flag %#x: %v; it may be ignored", 1<<bit, err)
		case bit >= 8 && !errors.Is(err, ErrProtocol):
			t.Errorf("flag %#x: %v; it must be understood", 1<<bit, err)
		}
	}
}

func TestFirst(t *testing.T) {
	for kind := range 256 {
		if got := Type(kind).First(); got != (kind >= 1 && kind <= 15) {
			t.Errorf("type %d: first %v", kind, got)
		}
	}
}

// fault: 24
func TestFramesCutAtEveryByte(t *testing.T) {
	all, headers := stream(t)
	ends := map[int]int{0: 0} // where a frame ends: how many are whole
	at := 0
	for i, h := range headers {
		at += HeaderLen + int(h.Length)
		ends[at] = i + 1
	}
	whole := 0
	for n := range len(all) + 1 {
		frames, err := readFrames(bytes.NewReader(all[:n]))
		want := io.ErrUnexpectedEOF
		if k, ok := ends[n]; ok {
			want, whole = io.EOF, k
		}
		if err != want || len(frames) != whole {
			t.Fatalf("cut at %d: %d frames, %v; want %d, %v", n, len(frames), err, whole, want)
		}
	}
}

// fault: 24
func TestFramesInPieces(t *testing.T) {
	all, headers := stream(t)
	for name, r := range map[string]io.Reader{
		"a byte a read":      iotest.OneByteReader(bytes.NewReader(all)),
		"half of each read":  iotest.HalfReader(bytes.NewReader(all)),
		"EOF with the bytes": iotest.DataErrReader(bytes.NewReader(all)),
	} {
		if frames, err := readFrames(r); err != io.EOF || !slices.Equal(frames, headers) {
			t.Errorf("%s: %d frames of %d, %v", name, len(frames), len(headers), err)
		}
	}
	boom := errors.New("boom")
	if _, err := readFrames(iotest.ErrReader(boom)); err != boom {
		t.Errorf("a failing reader: %v", err)
	}
}

// greedy ends after some bytes and keeps how much was asked of it beyond what
// it had given.
type greedy struct{ left, given, worst int }

func (g *greedy) Read(p []byte) (int, error) {
	g.worst = max(g.worst, len(p)-g.given)
	n := min(len(p), g.left)
	g.left -= n
	g.given += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Promised bytes get no memory: what is asked for grows with what has come.
// fault: 23
func TestPayloadTakesMemoryAsItComes(t *testing.T) {
	h, err := ParseHeader(header(byte(TypeCall), 0, 8<<20))
	if err != nil {
		t.Fatal(err)
	}
	for _, comes := range []int{0, 1, 64 << 10, 1 << 20, 8<<20 - 1} {
		g := &greedy{left: comes}
		if _, err := ReadPayload(g, h); err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes of 8 MiB: %v, want an unexpected EOF", comes, err)
		}
		if g.worst > 64<<10 {
			t.Errorf("%d bytes came: %d more were asked for at once", comes, g.worst)
		}
	}
	if got := bytesOf(func() {
		if _, err := ReadPayload(&greedy{left: 10}, h); err == nil {
			t.Error("10 bytes of 8 MiB: no error")
		}
	}); got > 200<<10 {
		t.Errorf("10 bytes of 8 MiB took %d bytes of memory", got)
	}
	all := bytes.Repeat([]byte("0123456789abcdef"), 8<<20/16)
	if b, err := ReadPayload(bytes.NewReader(all), h); err != nil || !bytes.Equal(b, all) {
		t.Errorf("8 MiB whole: %d bytes, %v", len(b), err)
	}
}

// bytesOf measures how much memory f takes, roughly.
func bytesOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestTypeNames(t *testing.T) {
	for kind := range caps {
		name := Type(kind).String()
		if kind >= 4 && kind <= 15 {
			continue
		}
		if name == "" || !unicode.IsUpper(rune(name[0])) {
			t.Errorf("type %d is called %q", kind, name)
		}
	}
}
