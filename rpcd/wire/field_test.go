package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// field is one field as bytes, made here and not by the code.
func field(tag uint16, value string) string {
	b := binary.BigEndian.AppendUint16(nil, tag)
	return string(binary.BigEndian.AppendUint32(b, uint32(len(value)))) + value
}

const mark = "RPCD\x00\x01"

// parsers are all messages of fields: the bytes before the fields, fields that
// make the message whole, and its parser.
var parsers = map[string]struct {
	mark  string
	least string
	parse func(uint16, []byte) (any, error)
}{
	"CALL":    {mark, field(1, "x"), any1(ParseCall)},
	"STARTED": {"", "", any1(ParseStarted)},
	"REFUSED": {"", field(1, "\x00\x01"), flagless(ParseRefused)},
	"EXIT":    {"", field(1, "\x00\x00\x00\x00"), any1(ParseExit)},
	"PONG":    {"", "", flagless(ParseInfo)},
	"CALLS":   {"", "", flagless(ParseCalls)},
}

// fault: 28 87
func TestUnknownTags(t *testing.T) {
	for name, p := range parsers {
		whole := p.mark + p.least
		want, err := p.parse(0, []byte(whole))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for tag, skipped := range map[uint16]bool{0: true, 77: true, 0x7fff: true, 0x8000: false, 0x8001: false, 0xffff: false} {
			for _, fields := range []string{p.least + field(tag, "new"), field(tag, "") + p.least, p.least + field(tag, "a") + field(tag, "b")} {
				got, err := p.parse(0, []byte(p.mark+fields))
				if skipped && (err != nil || fmt.Sprint(got) != fmt.Sprint(want)) {
					t.Errorf("%s: tag %#x isn't skipped: %+v, %v", name, tag, got, err)
				}
				if !skipped && !errors.Is(err, ErrProtocol) {
					t.Errorf("%s: tag %#x: %v, want a protocol error", name, tag, err)
				}
			}
		}
	}
}

func TestDuplicateFields(t *testing.T) {
	u := func(n int) string { return strings.Repeat("\x00", n-1) + "\x01" }
	for name, fields := range map[string]map[uint16]string{
		"CALL":    {1: "x", 4: "/", 5: u(16), 6: u(4), 7: "l", 9: u(8), 10: u(8)},
		"STARTED": {1: "1", 2: "/", 3: u(8), 4: "t"},
		"REFUSED": {1: u(2), 2: "t", 3: u(2)},
		"EXIT":    {1: u(4), 2: u(8), 3: u(8), 4: u(8), 5: u(8)},
		"PONG":    {1: "w", 2: "v", 3: field(1, u(8)), 4: field(6, u(8)), 6: "up", 7: field(2, u(8))},
	} {
		p := parsers[name]
		for tag, value := range fields {
			least := ""
			if !strings.HasPrefix(p.least, string(binary.BigEndian.AppendUint16(nil, tag))) {
				least = p.least
			}
			if _, err := p.parse(0, []byte(p.mark+least+field(tag, value))); err != nil {
				t.Errorf("%s, field %d: %v", name, tag, err)
			}
			if _, err := p.parse(0, []byte(p.mark+least+field(tag, value)+field(tag, value))); !errors.Is(err, ErrProtocol) {
				t.Errorf("%s, field %d twice: %v, want a protocol error", name, tag, err)
			}
			if len(value) < 2 { // text
				if _, err := p.parse(0, []byte(p.mark+least+field(tag, "a\x00b"))); !errors.Is(err, ErrProtocol) {
					t.Errorf("%s, field %d with a NUL: %v, want a protocol error", name, tag, err)
				}
				continue
			}
			for _, wrong := range []string{"", value[1:], value + "\x00"} {
				if value == "/" || value == "up" || wrong == "" && name == "PONG" { // a list without numbers is one
					continue
				}
				if _, err := p.parse(0, []byte(p.mark+least+field(tag, wrong))); !errors.Is(err, ErrProtocol) {
					t.Errorf("%s, field %d of %d bytes: %v, want a protocol error", name, tag, len(wrong), err)
				}
			}
		}
	}
}

// A payload that is cut anywhere is an error or, between two fields, a
// message that lacks some; it is never read beyond its end.
// fault: 24 kubernetes-cut-status
func TestPayloadsCutAtEveryByte(t *testing.T) {
	for _, m := range messages() {
		frame := golden(t, m.name)[HeaderLen:]
		for n := range len(frame) {
			_, err := m.parse(m.header.Flags, slices.Clip(frame[:n]))
			if err != nil && !errors.Is(err, ErrProtocol) {
				t.Errorf("%s cut at %d: %v", m.name, n, err)
			}
			if m.header.Type == TypeExit && n < 10 && err == nil {
				t.Errorf("%s cut at %d looks like status 0", m.name, n)
			}
		}
	}
}

// A field that promises more than its frame holds is refused, and takes no
// memory.
// fault: 23 s6-sudo
func TestFieldsLongerThanTheirFrame(t *testing.T) {
	for name, p := range parsers {
		for _, tag := range []uint16{1, 2, 3, 4, 5, 8, 77, 0xffff} {
			for _, length := range []uint32{1, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 6, 1<<32 - 1} {
				b := binary.BigEndian.AppendUint16([]byte(p.mark), tag)
				b = binary.BigEndian.AppendUint32(b, length)
				if _, err := p.parse(0, b); !errors.Is(err, ErrProtocol) {
					t.Errorf("%s, field %d of %d bytes: %v, want a protocol error", name, tag, length, err)
				}
			}
		}
		b := []byte(p.mark + "\x00\x01\xff\xff\xff\xff")
		if got := bytesOf(func() { _, _ = p.parse(0, b) }); got > 64<<10 {
			t.Errorf("%s: a promised 4 GiB took %d bytes of memory", name, got)
		}
	}
}
