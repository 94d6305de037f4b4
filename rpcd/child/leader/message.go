package leader

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Message is what a leader tells rpcd: a packet of its socket (SOCK_SEQPACKET). What
// rpcd tells a leader are packets of one byte: signals for the procedure's group.
type Message struct {
	Kind Kind

	PID       uint32 // of Running
	Errno     uint32 // of Failed
	Directory bool   // of Failed: the directory couldn't be entered

	// Of Ended.
	Status       uint32 // as wait(2) gives it
	User, System int64  // CPU time in nanoseconds
	MaxRSS       uint64 // KiB
}

// Kind tells messages apart.
type Kind byte

// The kinds: the first message is one of the first two. Stopped may come any number of
// times before Ended, which is the last.
const (
	Running Kind = 'R'
	Failed  Kind = 'F'
	Stopped Kind = 'S'
	Ended   Kind = 'E'
)

// packed is a Message as bytes: both sides are one program.
type packed struct {
	Kind, Directory    byte
	PID, Errno, Status uint32
	User, System       int64
	MaxRSS             uint64
}

// Size is the length of a packet in bytes.
var Size = binary.Size(packed{})

var errPacket = errors.New("the terminal's leader says something else")

// Parse reads a packet.
func Parse(b []byte) (Message, error) {
	var p packed
	if n, err := binary.Decode(b, binary.NativeEndian, &p); err != nil || n != len(b) {
		return Message{}, errPacket
	}
	return Message{
		Kind: Kind(p.Kind), Directory: p.Directory != 0, PID: p.PID, Errno: p.Errno,
		Status: p.Status, User: p.User, System: p.System, MaxRSS: p.MaxRSS,
	}, nil
}

// append adds a packet to b.
func (m Message) append(b []byte) []byte {
	p := packed{Kind: byte(m.Kind), PID: m.PID, Errno: m.Errno, Status: m.Status, User: m.User, System: m.System, MaxRSS: m.MaxRSS}
	if m.Directory {
		p.Directory = 1
	}
	b, _ = binary.Append(b, binary.NativeEndian, p) // of a fixed size
	return b
}

// send sends a message. Where rpcd is gone nobody needs it.
func send(door int, m Message) { _, _ = unix.Write(door, m.append(nil)) }
