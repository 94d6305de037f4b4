package wire

import (
	"encoding/binary"
	"time"
)

// The flags of ACCEPTED and STARTED.
const (
	StartedBridged = 1 // all streams are relayed
	AcceptedWaits  = 2 // the call waits in the queue
)

// The flags of EXIT.
const (
	ExitTimeout = 1 // a time limit ended the procedure
	ExitLeft    = 2 // a stream was still held open by another process
)

// Code is why a call was refused (PROTOCOL.md, section 3).
type Code uint16

// The codes.
const (
	Denied        Code = 1
	Unknown       Code = 2
	NotExecutable Code = 3
	TooLong       Code = 4
	NoDirectory   Code = 5
	Busy          Code = 6
	Draining      Code = 7
	Canceled      Code = 8
	Protocol      Code = 9
	Failed        Code = 10
)

// Refused is the message of REFUSED: no process was started.
type Refused struct {
	Code Code
	Text string // one line for people
}

// Error makes a refusal an error; one without a text says what its code says.
func (m *Refused) Error() string {
	if m.Text == "" {
		return texts[m.Code]
	}
	return m.Text
}

// texts are read after the worker's name, as Refused.Text.
var texts = map[Code]string{
	Denied:        "refuses you",
	Unknown:       "has no such procedure",
	NotExecutable: "cannot run that procedure",
	TooLong:       "refuses: argument list too long",
	NoDirectory:   NotShared + " of the call",
	Busy:          "is busy",
	Draining:      "is draining",
	Canceled:      "gave up the waiting call",
	Protocol:      "refuses: it speaks another protocol",
	Failed:        "failed and doesn't say why",
}

// NotShared is how the text of a NoDirectory begins that says: the worker has no
// directory of that name, or another one.
const NotShared = "doesn't share the directory"

// Append gives the message as a frame.
func (m *Refused) Append() []byte {
	var f fields
	f.u16(1, uint16(m.Code))
	f.text(2, cut(m.Text, 32<<10))
	return Frame(TypeRefused, 0, 0, f.b)
}

// cut bounds a text of ours to what its frame holds.
func cut(s string, n int) string { return s[:min(len(s), n)] }

// ParseRefused reads a REFUSED's payload; unknown codes become Failed.
func ParseRefused(payload []byte) (*Refused, error) {
	m := &Refused{}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Code = Code(r.u16(tag, v))
		case 2:
			m.Text = r.text(tag, v)
		default:
			r.unknown(tag)
		}
	}
	if m.Code < Denied || m.Code > Failed {
		m.Code = Failed
	}
	return m, r.err
}

// Started is the message of ACCEPTED and of STARTED.
type Started struct {
	Flags uint16
	ID    string        // the call's id at the worker
	Dir   string        // where the procedure runs
	Grace time.Duration // between TERM and KILL
	Text  string        // what it waits behind
}

// Append gives the message as a frame of type t.
func (m *Started) Append(t Type) []byte {
	var f fields
	f.text(1, m.ID)
	f.text(2, m.Dir)
	f.u64(3, uint64(m.Grace))
	f.text(4, cut(m.Text, 16<<10))
	return Frame(t, 0, m.Flags, f.b)
}

// ParseStarted reads the payload of ACCEPTED or STARTED.
func ParseStarted(flags uint16, payload []byte) (*Started, error) {
	m := &Started{Flags: flags}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.ID = r.text(tag, v)
		case 2:
			m.Dir = r.text(tag, v)
		case 3:
			m.Grace = duration(r.u64(tag, v))
		case 4:
			m.Text = r.text(tag, v)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}

// Exit is the message of EXIT.
type Exit struct {
	Flags    uint16
	Status   uint32 // as wait(2) gives it on Linux
	User     time.Duration
	System   time.Duration
	MaxRSS   uint64 // KiB
	Consumed int64  // bytes of a relayed stdin that the procedure took; -1: not known
}

// Append gives the message as a frame.
func (m *Exit) Append() []byte {
	var f fields
	f.u32(1, m.Status)
	f.u64(2, uint64(m.User))
	f.u64(3, uint64(m.System))
	f.u64(4, m.MaxRSS)
	if m.Consumed >= 0 {
		f.u64(5, uint64(m.Consumed))
	}
	return Frame(TypeExit, 0, m.Flags, f.b)
}

// ParseExit reads an EXIT's payload. A missing status is an error: it must
// never look like 0.
func ParseExit(flags uint16, payload []byte) (*Exit, error) {
	m := &Exit{Flags: flags, Consumed: -1}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Status = r.u32(tag, v)
		case 2:
			m.User = duration(r.u64(tag, v))
		case 3:
			m.System = duration(r.u64(tag, v))
		case 4:
			m.MaxRSS = r.u64(tag, v)
		case 5:
			m.Consumed = int64(duration(r.u64(tag, v)))
		default:
			r.unknown(tag)
		}
	}
	if r.err == nil && !r.seen[1] {
		r.err = protocolError("an EXIT without a status")
	}
	if r.err == nil && !ended(m.Status) {
		r.err = protocolError("a wait status of %#x, which no process ends with", m.Status)
	}
	return m, r.err
}

// ended says whether wait(2) says such a status of a process that has ended: by
// exit(3), or by a signal that ends one.
func ended(status uint32) bool {
	sig := status & 0x7f
	switch {
	case status > 0xffff:
		return false
	case sig == 0:
		return status&0x80 == 0
	case sig >= 18 && sig <= 22: // CONT, STOP, TSTP, TTIN, TTOU
		return false
	}
	return sig <= 64 && status>>8 == 0
}

// SignalAbandon is SIGNAL's flag: the caller leaves now, kill without grace.
const SignalAbandon = 1

// MaxSignal is the last of the signals that cross: real-time ones mean nothing
// to another host.
const MaxSignal = 31

// Signal gives a SIGNAL frame.
func Signal(sig uint8, flags uint16) []byte { return Frame(TypeSignal, 0, flags, []byte{sig}) }

// ParseSignal reads a SIGNAL's payload: 1 to MaxSignal.
func ParseSignal(payload []byte) (uint8, error) {
	if len(payload) != 1 || payload[0] < 1 || payload[0] > MaxSignal {
		return 0, protocolError("a SIGNAL that is none")
	}
	return payload[0], nil
}

func credit(stream uint8, n uint32) []byte {
	return Frame(TypeCredit, stream, 0, binary.BigEndian.AppendUint32(nil, n))
}
