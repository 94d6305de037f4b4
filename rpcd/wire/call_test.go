package wire

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFirstFramesMark(t *testing.T) {
	for _, payload := range []string{"", "R", "RPCD", "RPCD\x00", "RPCX\x00\x01", "rpcd\x00\x01", "GET / HTTP/1.1\r\n"} {
		if _, err := CheckFirst([]byte(payload)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%q: %v, want a protocol error", payload, err)
		}
	}
	for _, theirs := range []uint16{0, 2, 0x100, 0xffff} {
		payload := []byte{'R', 'P', 'C', 'D', byte(theirs >> 8), byte(theirs), 0xff} // what follows isn't looked at
		_, err := CheckFirst(payload)
		var version *VersionError
		if !errors.As(err, &version) || version.Theirs != theirs || !errors.Is(err, ErrProtocol) {
			t.Errorf("version %d: %v", theirs, err)
			continue
		}
		for _, v := range []string{"version 1", fmt.Sprintf("version %d", theirs)} {
			if !strings.Contains(err.Error(), v) {
				t.Errorf("%q doesn't name %s", err, v)
			}
		}
	}
}

var callsThatAreNone = map[string]string{
	"no procedure":                   field(2, "x"),
	"an empty procedure":             field(1, ""),
	"a NUL in an argument":           field(1, "x") + field(2, "a\x00"),
	"a NUL in a variable":            field(1, "x") + field(3, "A=\x00"),
	"a variable without a name":      field(1, "x") + field(3, "=v"),
	"a variable without a value":     field(1, "x") + field(3, "A"),
	"an empty variable":              field(1, "x") + field(3, ""),
	"a stream of 7 bytes":            field(1, "x") + field(8, "\x00\x00\x00\x00\x00\x00\x00"),
	"a stream of 9 bytes":            field(1, "x") + field(8, "\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	"an unknown mode":                field(1, "x") + field(8, "\x00\x09\x00\x00\x00\x00\x00\x00"),
	"a terminal and no stream":       field(1, "x") + field(12, field(1, "12345678")),
	"a terminal without a size":      field(1, "x") + onTerminal + field(12, field(2, "xterm")),
	"a terminal of 7 bytes":          field(1, "x") + onTerminal + field(12, field(1, "1234567")),
	"a terminal's modes cut off":     field(1, "x") + onTerminal + field(12, field(1, "12345678")+field(3, "123")),
	"a terminal with a long type":    field(1, "x") + onTerminal + field(12, field(1, "12345678")+field(2, strings.Repeat("x", 256))),
	"two terminals":                  field(1, "x") + onTerminal + field(12, field(1, "12345678")) + field(12, field(1, "12345678")),
	"streams without their terminal": field(1, "x") + onTerminal,
	"half of a terminal":             field(1, "x") + onTerminal[:14] + field(12, field(1, "12345678")),
	"stderr as a terminal":           field(1, "x") + onTerminal + field(8, "\x02\x06\x00\x01\x00\x00\x00\x00") + field(12, field(1, "12345678")),
	"a terminal read on 1":           field(1, "x") + onTerminal[:14] + field(8, "\x01\x06\x00\x00\x00\x00\x00\x00") + field(12, field(1, "12345678")),
	"half a field":                   field(1, "x") + "\x00\x02\x00",
	"a directory that is relative":   field(1, "x") + field(4, "srv"),
	"a relative logical directory":   field(1, "x") + field(11, "srv"),
	"two logical directories":        field(1, "x") + field(11, "/a") + field(11, "/b"),
}

// onTerminal is streams 0 and 1 of a call with a terminal.
var onTerminal = field(8, "\x00\x06\x00\x00\x00\x00\x00\x00") + field(8, "\x01\x06\x00\x01\x00\x02\x00\x00")

func TestCallsThatAreNone(t *testing.T) {
	for what, fields := range callsThatAreNone {
		if c, err := ParseCall(0, []byte(mark+fields)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %+v, %v; want a protocol error", what, c, err)
		}
	}
}

func TestCallsThatAreFine(t *testing.T) {
	c, err := ParseCall(0, []byte(mark+field(2, "")+field(3, "A==\xff")+field(1, "a/b\n\xff")+field(2, strings.Repeat("x", 1<<20))))
	if err != nil || c.Procedure != "a/b\n\xff" || !slices.Equal(c.Env, []string{"A==\xff"}) || len(c.Args) != 2 || c.Args[0] != "" || len(c.Args[1]) != 1<<20 {
		t.Errorf("%.200v, %v", c, err)
	}
	c, err = ParseCall(0, []byte(mark+field(1, "x")+field(9, strings.Repeat("\xff", 8))+field(6, "\xff\xff\xff\xff")))
	if err != nil || c.Timeout != math.MaxInt64 || c.Umask != 0o777 {
		t.Errorf("for ever is %v, the umask %03o, %v", c.Timeout, c.Umask, err)
	}
	if c.Dir.Proven || c.Dir.Name != "" {
		t.Errorf("a directory came from nowhere: %+v", c.Dir)
	}
}

// Over a bridge passed streams are relayed, and two openings of one thing are one.
func TestBridge(t *testing.T) {
	const joined = StreamOutput | StreamJoined
	for what, c := range map[string]struct{ streams, want []Stream }{
		"passed":               {[]Stream{{1, Passed, 0, StreamOutput, 9}, {2, Passed, 1, StreamOutput, 9}}, []Stream{{1, Relayed, 0, StreamOutput, 9}, {2, Relayed, 1, StreamOutput, 9}}},
		"joined":               {[]Stream{{1, Passed, 0, StreamOutput, 9}, {2, Passed, 1, joined, 9}}, []Stream{{1, Relayed, 0, StreamOutput, 9}, {2, Same, 1, joined, 9}}},
		"joined and relayed":   {[]Stream{{1, Relayed, 0, StreamOutput, 9}, {2, Relayed, 0, joined, 9}}, []Stream{{1, Relayed, 0, StreamOutput, 9}, {2, Same, 1, joined, 9}}},
		"joined to a closed 1": {[]Stream{{1, Closed, 0, 0, 0}, {2, Passed, 0, joined, 9}}, []Stream{{1, Closed, 0, 0, 0}, {2, Relayed, 0, joined, 9}}},
		"joined to a later 1":  {[]Stream{{2, Passed, 1, joined, 9}, {1, Passed, 0, StreamOutput, 9}}, []Stream{{2, Relayed, 1, joined, 9}, {1, Relayed, 0, StreamOutput, 9}}},
		"over 2":               {[]Stream{{3, Passed, 0, StreamInput, 0}, {4, Passed, 1, StreamInput | StreamOutput, 9}}, []Stream{{3, Relayed, 0, StreamInput, 0}, {4, Relayed, 1, StreamInput | StreamOutput, 9}}},
		"a joined stream 1":    {[]Stream{{1, Passed, 0, joined, 9}}, []Stream{{1, Relayed, 0, joined, 9}}},
		"the rest":             {[]Stream{{0, Closed, 0, 0, 0}, {2, Closed, 0, joined, 0}, {0, Probe, 0, 0, 0}}, []Stream{{0, Closed, 0, 0, 0}, {2, Closed, 0, joined, 0}, {0, Probe, 0, 0, 0}}},
	} {
		before := slices.Clone(c.streams)
		if got := Bridge(c.streams); !slices.Equal(got, c.want) || !slices.Equal(c.streams, before) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

func TestStreams(t *testing.T) {
	out := uint8(StreamOutput)
	all := make([]Stream, 0, MaxDescriptors)
	for i := range MaxDescriptors {
		all = append(all, Stream{Number: uint8(i), Mode: Passed, Index: uint8(i)})
	}
	for what, streams := range map[string][]Stream{
		"none":                    nil,
		"the usual three":         {{Mode: Passed}, {1, Passed, 1, out, 0}, {2, Same, 1, out, 0}},
		"indices in any order":    {{0, Passed, 2, 0, 0}, {1, Passed, 0, out, 0}, {2, Passed, 1, out, 0}},
		"numbers in any order":    {{9, Passed, 0, 0, 0}, {1, Closed, 0, 0, 0}, {0, Passed, 1, 0, 0}},
		"all relayed":             {{0, Relayed, 0, 0, 0}, {1, Relayed, 0, out, 1}, {2, Relayed, 0, out, math.MaxUint32}},
		"relayed ones over 2":     {{3, Relayed, 0, StreamInput, 0}, {4, Relayed, 0, out, 9}, {5, Relayed, 0, out | StreamInput, 9}, {6, Same, 4, out, 0}},
		"a probe beside stream 0": {{0, Closed, 0, 0, 0}, {0, Probe, 0, 0, 0}},
		"as many as can be":       all,
		"same as a high one":      {{200, Passed, 0, 0, 0}, {252, Same, 200, 0, 0}},
	} {
		c := &Call{Procedure: "x", Streams: streams}
		got, err := ParseCall(0, c.Append()[HeaderLen:])
		if err != nil || !slices.Equal(got.Streams, streams) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, streams := range map[string][]Stream{
		"a number twice":          {{1, Closed, 0, 0, 0}, {1, Closed, 0, 0, 0}},
		"a number twice, passed":  {{1, Passed, 0, 0, 0}, {1, Passed, 1, 0, 0}},
		"253":                     {{253, Passed, 0, 0, 0}},
		"255 closed":              {{255, Closed, 0, 0, 0}},
		"an index twice":          {{0, Passed, 0, 0, 0}, {1, Passed, 0, 0, 0}},
		"an index left out":       {{0, Passed, 0, 0, 0}, {1, Passed, 2, 0, 0}},
		"the first index missing": {{0, Passed, 1, 0, 0}},
		"a probe's index twice":   {{0, Passed, 0, 0, 0}, {0, Probe, 0, 0, 0}},
		"a relayed 3 of no way":   {{3, Relayed, 0, 0, 0}},
		"a relayed 0 both ways":   {{0, Relayed, 0, out | StreamInput, 0}},
		"an input 1":              {{1, Relayed, 0, StreamInput, 0}},
		"same as itself":          {{1, Same, 1, 0, 0}},
		"same as a higher one":    {{2, Passed, 0, 0, 0}, {1, Same, 2, 0, 0}},
		"same as nothing":         {{2, Same, 1, 0, 0}},
		"same as a later one":     {{2, Same, 1, 0, 0}, {1, Passed, 0, 0, 0}},
		"same as a probe":         {{0, Probe, 0, 0, 0}, {1, Same, 0, 0, 0}},
		"254 descriptors":         append(slices.Clone(all), Stream{0, Probe, 253, 0, 0}),
		"two relayed inputs":      {{0, Relayed, 0, 0, 0}, {1, Relayed, 0, 0, 0}},
		"a relayed stdout in":     {{1, Relayed, 0, 0, 0}},
		"a relayed stdin out":     {{0, Relayed, 0, out, 1}},
	} {
		c := &Call{Procedure: "x", Streams: streams}
		if _, err := ParseCall(0, c.Append()[HeaderLen:]); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want a protocol error", what, err)
		}
	}
}

func TestDescriptors(t *testing.T) {
	c := &Call{Streams: []Stream{{Mode: Passed}, {Mode: Relayed}, {Mode: Same}, {Mode: Probe}, {Mode: Closed}}}
	if n := Descriptors(c.Streams); n != 2 {
		t.Errorf("%d descriptors, want 2: the passed one and the probe", n)
	}
}

func TestSignals(t *testing.T) {
	for n := range 256 {
		sig, err := ParseSignal([]byte{byte(n)})
		if fine := n >= 1 && n <= 31; fine != (err == nil) || fine && sig != uint8(n) || !fine && !errors.Is(err, ErrProtocol) {
			t.Errorf("signal %d: %d, %v", n, sig, err)
		}
	}
	for _, payload := range [][]byte{nil, {}, {1, 1}} {
		if _, err := ParseSignal(payload); !errors.Is(err, ErrProtocol) {
			t.Errorf("a signal of %d bytes: %v", len(payload), err)
		}
	}
}

// fault: kubernetes-cut-status
func TestExitNeedsAStatus(t *testing.T) {
	if _, err := ParseExit(0, nil); !errors.Is(err, ErrProtocol) {
		t.Errorf("an empty EXIT: %v, want a protocol error", err)
	}
	if _, err := ParseExit(0, []byte(field(2, strings.Repeat("\x00", 8)))); !errors.Is(err, ErrProtocol) {
		t.Errorf("an EXIT without a status: %v, want a protocol error", err)
	}
	for status, ok := range map[string]bool{
		"\x00\x00\xff\x00": true, "\x00\x00\x00\x8b": true, "\x00\x00\x00\x40": true, // 255, SEGV with a core, signal 64
		"\x00\x07\x00\x00": false, "\xff\xff\xff\xff": false, "\x00\x00\x13\x7f": false, "\x00\x00\x00\x7f": false, // too big, stopped
		"\x00\x00\xff\xff": false, "\x00\x00\x01\x09": false, "\x00\x00\x00\x80": false, // continued, both ends, a core of none
		"\x00\x00\x00\x13": false, "\x00\x00\x00\x92": false, "\x00\x00\x00\x16": false, "\x00\x00\x00\x41": false, // STOP, CONT, TTOU, signal 65
	} {
		if _, err := ParseExit(0, []byte(field(1, status))); (err == nil) != ok || err != nil && !errors.Is(err, ErrProtocol) {
			t.Errorf("wait status %x: %v", status, err)
		}
	}
	e, err := ParseExit(0, []byte(field(1, "\x00\x00\x07\x00")+field(2, strings.Repeat("\xff", 8))))
	if err != nil || e.Status != 0x700 || e.User != math.MaxInt64 || e.Consumed != -1 {
		t.Errorf("%+v, %v", e, err)
	}
}

// fault: 87
func TestCodesToCome(t *testing.T) {
	for code := range uint16(300) {
		want := Code(code)
		if code < 1 || code > 10 {
			want = Failed
		}
		m, err := ParseRefused([]byte(field(1, string([]byte{byte(code >> 8), byte(code)})) + field(2, "why")))
		if err != nil || m.Code != want || m.Error() != "why" {
			t.Errorf("code %d: %+v, %v", code, m, err)
		}
	}
	if m, err := ParseRefused(nil); err != nil || m.Code != Failed {
		t.Errorf("an empty REFUSED: %+v, %v", m, err)
	}
}

// Texts of the worker's that are too long are cut, and a listing that is too
// long is shortened: a frame over its cap would be a protocol error.
func TestLongMessagesFitTheirFrames(t *testing.T) {
	long := strings.Repeat("x", 9<<20)
	var many []Entry
	for range 5000 {
		many = append(many, Entry{Name: strings.Repeat("n", 1000), Kind: "spawned", Summary: strings.Repeat("s", 1000)})
	}
	for what, frame := range map[string][]byte{
		"REFUSED":                       (&Refused{Code: Busy, Text: long}).Append(),
		"STARTED":                       (&Started{ID: "1", Dir: strings.Repeat("d", 4095), Text: long}).Append(TypeStarted),
		"LISTING":                       (&Info{Worker: "w", Procedures: many}).Append(TypeListing),
		"one procedure with long words": (&Info{Worker: "w", Procedures: []Entry{{Name: long, Kind: "spawned", Summary: long}}}).Append(TypeListing),
		"PONG":                          (&Info{Worker: "w", Procedures: many}).Append(TypePong),
	} {
		h, err := ParseHeader(frame)
		if err != nil || int(h.Length) != len(frame)-HeaderLen {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A number that no time has is cut, not taken for a negative one.
func TestUpTime(t *testing.T) {
	counters := field(1, strings.Repeat("\xff", 8)) + field(6, strings.Repeat("\xff", 8))
	m, err := ParseInfo([]byte(field(4, counters)))
	if err != nil || m.Counters.Up < 1000*time.Hour || m.Counters.Calls != math.MaxUint64 {
		t.Errorf("%+v, %v", m, err)
	}
}

// Nested fields are read by the rules of all others.
func TestNestedFields(t *testing.T) {
	u64 := func(n byte) string { return strings.Repeat("\x00", 7) + string(n) }
	for what, v := range map[string]string{
		"cut off":             field(1, u64(1))[:9],
		"longer than it":      "\x00\x01\x00\x00\x00\xff",
		"a number of 4 bytes": field(1, "\x00\x00\x00\x01"),
		"a number twice":      field(1, u64(1)) + field(1, u64(2)),
		"to be understood":    field(0x8001, ""),
	} {
		for _, tag := range []uint16{3, 4, 7} {
			if _, err := ParseInfo([]byte(field(tag, v))); !errors.Is(err, ErrProtocol) {
				t.Errorf("field %d, %s: %v, want a protocol error", tag, what, err)
			}
		}
	}
	m, err := ParseInfo([]byte(field(3, field(2, u64(7))+field(77, "new"))))
	if err != nil || m.Load != (Load{Waiting: 7}) {
		t.Errorf("a list with a number of a later version: %+v, %v", m, err)
	}
}

// A procedure without a name, and a call without an id, can't be of any use.
func TestNestedFieldsThatAreNeeded(t *testing.T) {
	for _, v := range []string{"", "\x00", field(3, "summary"), field(1, "na\x00me"), field(1, "name")[:8]} {
		if _, err := ParseInfo([]byte(field(5, v))); !errors.Is(err, ErrProtocol) {
			t.Errorf("a procedure %q: %v, want a protocol error", v, err)
		}
		if _, err := ParseCalls([]byte(field(2, v))); !errors.Is(err, ErrProtocol) {
			t.Errorf("a call %q: %v, want a protocol error", v, err)
		}
	}
}
