package wire

import (
	"encoding/binary"
	"time"
)

// CallState is what a call does just now.
type CallState uint8

// The states.
const (
	CallWaiting CallState = 0 // in the queue
	CallRunning CallState = 1
	CallStopped CallState = 2 // by its caller's Ctrl-Z
	CallEnding  CallState = 3 // it got TERM or KILL from the worker
)

// Running is a call as CALLS tells of it.
type Running struct {
	ID        string
	Procedure string
	Label     string
	UID, GID  uint32        // the caller's
	PID       uint32        // of its process, as the worker sees it; 0: none yet
	Age       time.Duration // since it came
	State     CallState
	Bridged   bool
}

// Calls is the message of CALLS.
type Calls struct {
	Worker string
	Calls  []Running // eldest first
}

const runningHead = 8 + 3*4 + 2 // of a call's field, before its texts

// Append gives the message as a frame. Calls that it has no room for are left
// out.
func (m *Calls) Append() []byte {
	var f fields
	f.text(1, m.Worker)
	for _, c := range m.Calls {
		v := binary.BigEndian.AppendUint64(nil, uint64(c.Age))
		for _, n := range []uint32{c.UID, c.GID, c.PID} {
			v = binary.BigEndian.AppendUint32(v, n)
		}
		v = append(v, byte(c.State), 0)
		if c.Bridged {
			v[len(v)-1] |= callBridged
		}
		for _, s := range []string{c.ID, c.Procedure, c.Label} {
			s = cut(s, 4096)
			v = append(binary.BigEndian.AppendUint16(v, uint16(len(s))), s...)
		}
		if len(f.b)+6+len(v) > int(kinds[TypeCalls].max) {
			break
		}
		f.bytes(2, v)
	}
	return Frame(TypeCalls, 0, 0, f.b)
}

// callBridged is the flag of a call in CALLS: all its streams are relayed.
const callBridged = 1

// ParseCalls reads a CALLS's payload.
func ParseCalls(payload []byte) (*Calls, error) {
	m := &Calls{}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Worker = r.text(tag, v)
		case 2:
			c, err := parseRunning(v)
			if err != nil {
				return nil, err
			}
			m.Calls = append(m.Calls, c)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}

func parseRunning(v []byte) (c Running, err error) {
	if len(v) < runningHead {
		return c, protocolError("a call is cut off")
	}
	u := func(at int) uint32 { return binary.BigEndian.Uint32(v[at:]) }
	c = Running{
		Age: duration(binary.BigEndian.Uint64(v)),
		UID: u(8), GID: u(12), PID: u(16),
		State:   CallState(v[20]),
		Bridged: v[21]&callBridged != 0,
	}
	v = v[runningHead:]
	for _, to := range []*string{&c.ID, &c.Procedure, &c.Label} {
		if len(v) < 2 || int(binary.BigEndian.Uint16(v)) > len(v)-2 {
			return c, protocolError("a call is cut off")
		}
		n := int(binary.BigEndian.Uint16(v))
		*to, v = string(v[2:2+n]), v[2+n:]
	}
	return c, nil
}

// Kill is the message of KILL: signal a call that runs, or cancel one that
// waits.
type Kill struct {
	ID     string
	Signal uint8 // 1 to 31
}

// Append gives the message as a frame.
func (m *Kill) Append() []byte {
	f := first()
	f.text(1, m.ID)
	f.bytes(2, []byte{m.Signal})
	return Frame(TypeKill, 0, 0, f.b)
}

// ParseKill reads a KILL's payload.
func ParseKill(payload []byte) (*Kill, error) {
	b, err := CheckFirst(payload)
	if err != nil {
		return nil, err
	}
	m := &Kill{}
	r := newReader(b)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.ID = r.text(tag, v)
		case 2:
			if r.sized(tag, v, 1) {
				m.Signal, r.err = ParseSignal(v)
			}
		default:
			r.unknown(tag)
		}
	}
	if r.err == nil && (m.ID == "" || m.Signal == 0) {
		r.err = protocolError("a KILL without a call or a signal")
	}
	return m, r.err
}
