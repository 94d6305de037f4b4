package wire

import (
	"encoding/binary"
	"time"
)

// Load is how busy a worker is.
type Load struct {
	Running, Waiting   uint32
	MaxCalls, MaxQueue uint32
}

// Counters are a worker's sums since its start.
type Counters struct {
	Calls, Refused, Lost, TimedOut, Signaled uint64
	Up                                       time.Duration // whole seconds
}

// Entry is a procedure as LISTING names it.
type Entry struct {
	Kind    uint8 // 0 spawned, 1 resident, 2 topic
	Name    string
	Summary string
}

// Info is the message of PONG and, with Procedures, of LISTING.
type Info struct {
	Worker     string
	Version    string // of the software
	State      string // "up" or "draining"
	Load       Load
	Counters   Counters
	Procedures []Entry
}

// Question gives a PING or LIST frame.
func Question(t Type) []byte { return Frame(t, 0, 0, first().b) }

// Append gives the message as a frame of type t. Procedures that LISTING has
// no room for are left out.
func (m *Info) Append(t Type) []byte {
	var f fields
	f.text(1, m.Worker)
	f.text(2, m.Version)
	var b []byte
	for _, v := range []uint32{m.Load.Running, m.Load.Waiting, m.Load.MaxCalls, m.Load.MaxQueue} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	f.bytes(3, b)
	b = nil
	for _, v := range []uint64{m.Counters.Calls, m.Counters.Refused, m.Counters.Lost, m.Counters.TimedOut, m.Counters.Signaled, uint64(m.Counters.Up / time.Second)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	f.bytes(4, b)
	f.text(6, m.State)
	for _, p := range m.Procedures {
		name, summary := cut(p.Name, 4096), cut(p.Summary, 4096)
		if t != TypeListing || len(f.b)+len(name)+len(summary)+16 > int(kinds[t].max) {
			break
		}
		v := binary.BigEndian.AppendUint16([]byte{p.Kind}, uint16(len(name)))
		f.bytes(5, append(append(v, name...), summary...))
	}
	return Frame(t, 0, 0, f.b)
}

// ParseInfo reads the payload of PONG or LISTING.
func ParseInfo(payload []byte) (*Info, error) {
	m := &Info{}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Worker = r.text(tag, v)
		case 2:
			m.Version = r.text(tag, v)
		case 3:
			if r.sized(tag, v, 16) {
				u := func(i int) uint32 { return binary.BigEndian.Uint32(v[4*i:]) }
				m.Load = Load{u(0), u(1), u(2), u(3)}
			}
		case 4:
			if r.sized(tag, v, 48) {
				u := func(i int) uint64 { return binary.BigEndian.Uint64(v[8*i:]) }
				m.Counters = Counters{u(0), u(1), u(2), u(3), u(4), time.Duration(min(u(5), 1<<32)) * time.Second}
			}
		case 5:
			n := 0
			if len(v) >= 3 {
				n = int(binary.BigEndian.Uint16(v[1:]))
			}
			if len(v) < 3 || n > len(v)-3 {
				return nil, protocolError("a listed procedure is cut off")
			}
			m.Procedures = append(m.Procedures, Entry{v[0], string(v[3 : 3+n]), string(v[3+n:])})
		case 6:
			m.State = r.text(tag, v)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}
