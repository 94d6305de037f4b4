// Package wire is the protocol of rpcd as bytes: frames, messages and the
// relay of streams with credit. It opens no socket and knows no descriptor;
// PROTOCOL.md beside it is its specification.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Version is the protocol's version (PROTOCOL.md, section 3).
const Version = 1

// HeaderLen is the length in bytes of a frame's header.
const HeaderLen = 8

// Type is a frame's type (PROTOCOL.md, section 2).
type Type uint8

// The frame types.
const (
	TypeCall       Type = 1
	TypePing       Type = 2
	TypeList       Type = 3
	TypePS         Type = 4
	TypeKill       Type = 5
	TypePublish    Type = 6
	TypeSubscribe  Type = 7
	TypeLend       Type = 8
	TypeData       Type = 16
	TypeEnd        Type = 17
	TypeClosed     Type = 18
	TypeCredit     Type = 19
	TypeHeartbeat  Type = 20
	TypeRecords    Type = 21
	TypeLarge      Type = 22
	TypeNotices    Type = 23
	TypeTaken      Type = 24
	TypeFreed      Type = 25
	TypeSignal     Type = 32
	TypeStopped    Type = 33
	TypeContinued  Type = 34
	TypeWindow     Type = 35
	TypeRecall     Type = 36
	TypeAccepted   Type = 48
	TypeStarted    Type = 49
	TypeRefused    Type = 50
	TypeExit       Type = 51
	TypePong       Type = 52
	TypeListing    Type = 53
	TypeCalls      Type = 54
	TypeSignaled   Type = 55
	TypeReady      Type = 56
	TypePublished  Type = 57
	TypeSubscribed Type = 58
	TypeEnded      Type = 59
	TypeReturned   Type = 60
)

// MaxData is the most bytes that one DATA frame carries.
const MaxData = 256 << 10

// MaxLend is the most bytes that LEND carries: a call with more isn't worth it.
const MaxLend = 64 << 10

// MaxList is the most bytes that LISTING and CALLS carry.
const MaxList = 4 << 20

// kinds names every type of this version and the most its payload may hold.
var kinds = map[Type]struct {
	name string
	max  uint32
}{
	TypeCall:       {"CALL", 8 << 20},
	TypePing:       {"PING", 64 << 10},
	TypeList:       {"LIST", 64 << 10},
	TypePS:         {"PS", 64 << 10},
	TypeKill:       {"KILL", 64 << 10},
	TypePublish:    {"PUBLISH", 64 << 10},
	TypeSubscribe:  {"SUBSCRIBE", 64 << 10},
	TypeLend:       {"LEND", MaxLend},
	TypeData:       {"DATA", MaxData},
	TypeEnd:        {"END", 0},
	TypeClosed:     {"CLOSED", 0},
	TypeCredit:     {"CREDIT", 4},
	TypeHeartbeat:  {"HEARTBEAT", 0},
	TypeRecords:    {"RECORDS", MaxData},
	TypeLarge:      {"LARGE", 16},
	TypeNotices:    {"NOTICES", 64 << 10},
	TypeTaken:      {"TAKEN", 8},
	TypeFreed:      {"FREED", 64 << 10},
	TypeSignal:     {"SIGNAL", 1},
	TypeStopped:    {"STOPPED", 0},
	TypeContinued:  {"CONTINUED", 0},
	TypeWindow:     {"WINDOW", windowLen},
	TypeRecall:     {"RECALL", 0},
	TypeAccepted:   {"ACCEPTED", 64 << 10},
	TypeStarted:    {"STARTED", 64 << 10},
	TypeRefused:    {"REFUSED", 64 << 10},
	TypeExit:       {"EXIT", 64 << 10},
	TypePong:       {"PONG", 64 << 10},
	TypeListing:    {"LISTING", MaxList},
	TypeCalls:      {"CALLS", MaxList},
	TypeSignaled:   {"SIGNALED", 64 << 10},
	TypeReady:      {"READY", 64 << 10},
	TypePublished:  {"PUBLISHED", 64 << 10},
	TypeSubscribed: {"SUBSCRIBED", 64 << 10},
	TypeEnded:      {"ENDED", 64 << 10},
	TypeReturned:   {"RETURNED", 64 << 10},
}

// String gives the type's name in PROTOCOL.md.
func (t Type) String() string {
	if k, ok := kinds[t]; ok {
		return k.name
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// First reports whether a frame of type t opens a call or a question.
func (t Type) First() bool { return t >= 1 && t <= 15 }

// ErrProtocol is wrapped by every error that blames the other side's bytes.
var ErrProtocol = errors.New("protocol error")

func protocolError(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "..."
	}
	return fmt.Errorf("%w: %s", ErrProtocol, text)
}

// Header is a frame's fixed part.
type Header struct {
	Type   Type
	Stream uint8
	Flags  uint16
	Length uint32 // of the payload, in bytes
}

// mustUnderstand marks the flags of which an unknown one is an error.
const mustUnderstand = 0xff00

// ParseHeader reads the first HeaderLen bytes of b. It fails for an unknown
// type, a length over the type's cap and an unknown flag that has to be
// understood, before anybody takes memory for the payload.
func ParseHeader(b []byte) (Header, error) {
	h := Header{Type: Type(b[0]), Stream: b[1], Flags: binary.BigEndian.Uint16(b[2:]), Length: binary.BigEndian.Uint32(b[4:])}
	k, ok := kinds[h.Type]
	switch {
	case !ok && h.Type.First(): // a verb of a later version: answered, not cut off
		k.max = 64 << 10
	case !ok:
		return h, protocolError("unknown frame type %d", b[0])
	}
	if h.Length > k.max {
		return h, protocolError("a %v frame of %d bytes (at most %d)", h.Type, h.Length, k.max)
	}
	if h.Flags&mustUnderstand != 0 {
		return h, protocolError("unknown flags %#x in a %v frame", h.Flags, h.Type)
	}
	return h, nil
}

// put writes the header into b[:HeaderLen].
func (h Header) put(b []byte) {
	b[0], b[1] = byte(h.Type), h.Stream
	binary.BigEndian.PutUint16(b[2:], h.Flags)
	binary.BigEndian.PutUint32(b[4:], h.Length)
}

// Frame gives a whole frame as bytes.
func Frame(t Type, stream uint8, flags uint16, payload []byte) []byte {
	b := make([]byte, HeaderLen+len(payload))
	Header{t, stream, flags, uint32(len(payload))}.put(b)
	copy(b[HeaderLen:], payload)
	return b
}

// ReadHeader reads one header. io.EOF means that the other side left between
// two frames, io.ErrUnexpectedEOF that it left within one.
func ReadHeader(r io.Reader) (Header, error) {
	var b [HeaderLen]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Header{}, err
	}
	return ParseHeader(b[:])
}

// growStep bounds how much memory a peer gets for bytes it only announced.
const growStep = 64 << 10

// ReadPayload reads the payload that h announces. Memory grows with what has
// arrived, not with what was promised.
func ReadPayload(r io.Reader, h Header) ([]byte, error) {
	want := int(h.Length)
	buf := make([]byte, 0, min(want, growStep))
	for len(buf) < want {
		n := min(want-len(buf), max(growStep, len(buf)))
		if cap(buf) < len(buf)+n {
			buf = append(make([]byte, 0, len(buf)+n), buf...)
		}
		part := buf[len(buf) : len(buf)+n]
		if _, err := io.ReadFull(r, part); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		buf = buf[:len(buf)+n]
	}
	return buf, nil
}
