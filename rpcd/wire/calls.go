package wire

import (
	"strings"
	"time"
)

// CallState is what a call does just now.
type CallState string

// The states of a call in CALLS.
const (
	CallWaiting CallState = "waiting" // in the queue
	CallRunning CallState = "running"
	CallStopped CallState = "stopped" // by its caller's Ctrl-Z
	CallEnding  CallState = "ending"  // it got TERM or KILL from the worker, or its process has ended
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
	Args      []string // the first of the caller's, see FirstArgs
}

// shownArgs bounds, in bytes, the arguments of a call that CALLS shows: a worker
// keeps them for each call.
const shownArgs = 256

// argCost is what an argument costs of that beside its own bytes: there may be many
// empty ones.
const argCost = 4

// FirstArgs copies the first arguments of a call, as many as CALLS shows. The last
// of them may be cut.
func FirstArgs(args []string) (first []string) {
	room := shownArgs
	for _, a := range args {
		if room -= argCost; room <= 0 {
			break
		}
		a = strings.Clone(a[:min(len(a), room)])
		first, room = append(first, a), room-len(a)
	}
	return first
}

// Calls is the message of CALLS.
type Calls struct {
	Worker string
	Calls  []Running // eldest first
}

// Append gives the message as a frame. Calls that it has no room for are left
// out.
func (m *Calls) Append() []byte {
	f := answer()
	f.text(1, m.Worker)
	for _, c := range m.Calls[:min(len(m.Calls), maxEntries)] {
		call := c.fields()
		if !f.hasRoom(TypeCalls, call) {
			break
		}
		f.bytes(2, call.b)
	}
	return f.frame(TypeCalls, 0, 0)
}

func (c Running) fields() (f fields) {
	f.text(1, cut(c.ID, maxWords))
	f.text(2, cut(c.Procedure, maxWords))
	f.text(3, cut(c.Label, maxWords))
	bridged := uint64(0)
	if c.Bridged {
		bridged = 1
	}
	f.numbers(4, uint64(c.UID), uint64(c.GID), uint64(c.PID), uint64(c.Age), bridged)
	f.text(5, string(c.State))
	for _, a := range c.Args {
		f.bytes(6, []byte(a))
	}
	return f
}

// ParseCalls reads a CALLS's payload: maxEntries calls of it, and of the arguments as
// many as FirstArgs gives.
func ParseCalls(payload []byte) (*Calls, error) {
	m := &Calls{}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Worker = r.text(tag, v)
		case 2:
			if len(m.Calls) < maxEntries {
				m.Calls = append(m.Calls, r.running(v))
			}
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}

// running reads a call of CALLS.
func (r *reader) running(v []byte) (c Running) {
	var shown [shownArgs / argCost]string // as many as have room
	args, room := shown[:0], shownArgs
	in := newReader(v)
	for tag, v, ok := in.next(); ok; tag, v, ok = in.next() {
		switch tag {
		case 1:
			c.ID = in.text(tag, v)
		case 2:
			c.Procedure = in.text(tag, v)
		case 3:
			c.Label = in.text(tag, v)
		case 4:
			n := in.numbers(tag, v, 5)
			c.UID, c.GID, c.PID, c.Age, c.Bridged = number32(n[0]), number32(n[1]), number32(n[2]), duration(n[3]), n[4] != 0
		case 5:
			c.State = CallState(in.text(tag, v))
		case 6:
			if room -= argCost + len(v); room >= 0 {
				args = append(args, string(v))
			}
		default:
			in.unknown(tag)
		}
	}
	c.Args = append(c.Args, args...)
	r.take(in, c.ID != "", "a call without an id")
	return c
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
	return f.frame(TypeKill, 0, 0)
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
