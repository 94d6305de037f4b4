package wire

import (
	"encoding/binary"
	"time"
)

// Lend is the message of a LEND frame, from rpcd to its resident worker (PROTOCOL.md,
// section 7): the connection of a caller, and the first call on it. Its streams name
// the descriptors of the connection and of the notes, too.
type Lend struct {
	Call    *Call
	Frame   []byte // the caller's CALL, whole: the worker serves those that are the same but for their arguments
	Next    uint64 // the id of the second call; those of the next ones follow
	Most    uint64 // how many calls the worker may serve; at least 1
	Started []byte // what STARTED says besides the id: fields
}

// Append gives the message as a frame. It is too long where its payload is over
// MaxLend.
func (m *Lend) Append() []byte {
	f := first()
	m.Call.fields(&f)
	f.bytes(32, m.Frame)
	f.numbers(33, m.Next, m.Most)
	f.bytes(34, m.Started)
	return f.frame(TypeLend, 0, CallKeep)
}

// AroundArguments gives what stands before and behind the arguments in a CALL's payload,
// where these follow each other. Calls with the same surroundings differ in nothing
// that a rule of the worker's asks for. false: they don't follow each other, or the
// payload is none.
func AroundArguments(payload []byte) (before, behind []byte, ok bool) {
	if len(payload) < MarkLen {
		return nil, nil, false
	}
	from, to := -1, -1
	for at := MarkLen; at < len(payload); {
		if len(payload)-at < fieldHead {
			return nil, nil, false
		}
		tag, n := binary.BigEndian.Uint16(payload[at:]), binary.BigEndian.Uint32(payload[at+2:])
		if uint64(n) > uint64(len(payload)-at-fieldHead) {
			return nil, nil, false
		}
		next := at + fieldHead + int(n)
		switch {
		case tag == 2 && from < 0:
			from, to = at, next
		case tag == 2 && to == at:
			to = next
		case tag == 2:
			return nil, nil, false
		case tag > 2 && from < 0: // there is none; they would stand here
			from, to = at, at
		}
		at = next
	}
	if from < 0 {
		from, to = len(payload), len(payload)
	}
	return payload[:from], payload[to:], true
}

// Arguments reads fields that are arguments. Anything else ends them.
func Arguments(b []byte) (args []string) {
	r := newReader(b)
	for tag, v, ok := r.next(); ok && tag == 2; tag, v, ok = r.next() {
		args = append(args, string(v))
	}
	return args
}

// Recall gives a RECALL frame: the worker gives the connection back.
func Recall() []byte { return Frame(TypeRecall, 0, 0, nil) }

// ReturnedBroken is RETURNED's flag: the caller has broken the rules, or nobody knows
// what it has got. Its connection is to be closed.
const ReturnedBroken = 1

// Returned is the message of a RETURNED frame: what became of a loan.
type Returned struct {
	Flags uint16
	Sums  Sums
	Held  uint64 // which call of the loan runs or has run without an answer, from 1 on; its EXIT follows. 0: none
}

// Sums are of calls that a resident worker has served on a connection that was lent.
type Sums struct {
	Served uint64 // ended with status 0, and were answered. What ends otherwise is held
	Lost   uint64 // of these, whose caller didn't get the status
	User   time.Duration
	System time.Duration
}

// Append gives the message as a frame.
func (m *Returned) Append() []byte {
	f := answer()
	s := m.Sums
	f.numbers(1, s.Served, s.Lost, uint64(s.User), uint64(s.System))
	f.u64(2, m.Held)
	return f.frame(TypeReturned, 0, m.Flags)
}

// ParseReturned reads the payload of RETURNED.
func ParseReturned(flags uint16, payload []byte) (*Returned, error) {
	m := &Returned{Flags: flags}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			n := r.numbers(tag, v, 4)
			m.Sums = Sums{n[0], n[1], duration(n[2]), duration(n[3])}
		case 2:
			m.Held = r.u64(tag, v)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}
