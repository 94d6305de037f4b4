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

// Way is how a caller reaches the worker, as the worker sees it.
type Way struct {
	UID, GID       uint32 // the caller's
	OwnUID, OwnGID uint32 // that the caller's calls run as
	Descriptors    uint32 // that came with the PING
	Dir            Sameness
}

// Sameness says whether a directory of the caller's is the worker's, too.
type Sameness uint8

// What a worker may say of a directory.
const (
	DirNotAsked Sameness = 0
	DirSame     Sameness = 1
	DirOther    Sameness = 2 // another one has that name
	DirMissing  Sameness = 3
	DirWorkdir  Sameness = 4 // it isn't, but calls start in the worker's workdir then
)

// Info is the message of PONG and, with Procedures, of LISTING.
type Info struct {
	Worker     string
	Version    string // of the software
	State      string // "up" or "draining"
	Load       Load
	Counters   Counters
	Procedures []Entry
	Way        *Way   // PONG; nil: the worker is of a release that doesn't say
	Goroutines uint32 // of rpcd, in Go; 0: not told
}

// Question gives a PING, LIST or PS frame.
func Question(t Type) []byte { return Frame(t, 0, 0, first().b) }

// Ping gives a PING frame that asks for a directory, too. A descriptor may ride
// on it, to see whether descriptors arrive.
func Ping(d Dir) []byte {
	f := first()
	f.dir(d)
	return Frame(TypePing, 0, 0, f.b)
}

// ParsePing reads a PING's payload: the directory that it asks for, if any.
func ParsePing(payload []byte) (d Dir, err error) {
	b, err := CheckFirst(payload)
	if err != nil {
		return d, err
	}
	r := newReader(b)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		if !r.dir(tag, v, &d) {
			r.unknown(tag)
		}
	}
	return d, r.err
}

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
	if w := m.Way; w != nil {
		var b []byte
		for _, v := range []uint32{w.UID, w.GID, w.OwnUID, w.OwnGID, w.Descriptors} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		f.bytes(7, append(b, byte(w.Dir)))
	}
	if m.Goroutines > 0 {
		f.u32(8, m.Goroutines)
	}
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
		case 7:
			if r.sized(tag, v, 21) {
				u := func(i int) uint32 { return binary.BigEndian.Uint32(v[4*i:]) }
				m.Way = &Way{u(0), u(1), u(2), u(3), u(4), Sameness(v[20])}
			}
		case 8:
			m.Goroutines = r.u32(tag, v)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}
