package wire

import "time"

// The flags of ACCEPTED and STARTED.
const (
	StartedBridged = 1 // all streams are relayed
	AcceptedWaits  = 2 // the call waits in the queue
)

// Started is the message of ACCEPTED and of STARTED.
type Started struct {
	Flags uint16
	ID    string        // the call's id at the worker
	Dir   string        // where the procedure runs
	Grace time.Duration // between TERM and KILL
	Text  string        // what it waits behind
	Wait  time.Duration // how long it may wait; 0: DefaultWait
}

// DefaultWait is how long a call may wait whose ACCEPTED doesn't say it (PROTOCOL.md,
// section 3).
const DefaultWait = time.Minute

// Append gives the message as a frame of type t.
func (m *Started) Append(t Type) []byte {
	f := answer()
	f.text(1, m.ID)
	m.rest(&f)
	return f.frame(t, 0, m.Flags)
}

// Rest gives the fields of the message that follow the id.
func (m *Started) Rest() []byte {
	var f fields
	m.rest(&f)
	return f.b
}

func (m *Started) rest(f *fields) {
	f.text(2, m.Dir)
	f.u64(3, uint64(m.Grace))
	f.text(4, cut(m.Text, 16<<10))
	if m.Wait > 0 {
		f.u64(5, uint64(m.Wait))
	}
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
		case 5:
			m.Wait = duration(r.u64(tag, v))
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}
