package wire

import "time"

// Info is the message of PONG and, with Procedures, of LISTING.
type Info struct {
	Worker     string
	Version    string // of the software
	State      State
	Load       Load
	Counters   Counters
	Procedures []Entry
	Scope      Scope // LISTING's
	Way        *Way  // PONG's; nil: the worker doesn't say
}

// State is how a worker is.
type State string

// The states of a worker.
const (
	Up     State = "up"
	Drains State = "draining" // new calls are refused
)

// Scope says what may be called beside the procedures that are listed.
type Scope string

// The scopes of a LISTING. A later version may have others.
const (
	Listed   Scope = ""         // nothing
	Commands Scope = "commands" // every command of the worker, and every path
)

// Load is how busy a worker is, in calls.
type Load struct {
	Running, Waiting   uint32 // now
	MaxCalls, MaxQueue uint32 // how many may run, and wait
	CPUs               uint32 // that the worker may use; 0: it doesn't say
}

// Counters are a worker's sums since its start.
type Counters struct {
	Calls, Refused, Lost, TimedOut, Signaled uint64
	Up                                       time.Duration // whole seconds
}

// Entry is a procedure as LISTING names it.
type Entry struct {
	Name    string
	Kind    string // "spawned", "resident" or "topic"; a later version may have others
	Summary string // one line, or ""
	Workers Workers
	Topic   TopicUse
}

// TopicUse is how a topic is used; the zero value is none.
type TopicUse struct {
	Policy                  string
	Subscribers, Publishers uint32
	Records, Dropped        uint64   // since somebody used it first; by the policy, summed over subscribers
	Stalled                 []string // ids of subscribers that publishers wait for, maxStalled at most
}

// maxStalled bounds TopicUse.Stalled.
const maxStalled = 64

// Workers are the resident workers of a procedure; the zero value is none.
type Workers struct {
	Wanted, Warm, Busy uint32 // how many there should be, are ready or serve, and serve
	Restarts           uint64 // how many were started in the place of one that failed
	Trouble            string // what is wrong with them just now, one line; "": nothing
}

// Way is how a caller reaches the worker, as the worker sees it.
type Way struct {
	UID, GID       uint32 // the caller's
	OwnUID, OwnGID uint32 // those that the caller's calls run as
	Descriptors    uint32 // that came with the PING
	Dir            Sameness
	Inside         Inside
}

// Inside is what a caller's calls may do in the directory that they start in, and
// whose it is.
type Inside struct {
	Rights   uint8  // MayRead and so on
	UID, GID uint32 // of its owner
	Mode     uint32 // st_mode (inode(7)); 0: the worker doesn't say
}

// The rights in a directory. The first three are those of chmod(1).
const (
	MayEnter uint8 = 1
	MayWrite uint8 = 2
	MayRead  uint8 = 4
	ReadOnly uint8 = 8 // its file system is
)

// Sameness says whether a directory of the caller's is the worker's, too. A bridged
// caller's goes by name.
type Sameness uint8

// What a worker may say of a directory.
const (
	DirNotAsked Sameness = 0
	DirSame     Sameness = 1
	DirOther    Sameness = 2 // another one has that name
	DirMissing  Sameness = 3 // none has it
	DirWorkdir  Sameness = 4 // it can't be had, but calls start in the worker's workdir then
	DirNoEntry  Sameness = 5 // it can't be entered
)

// Question gives a PING, LIST or PS frame.
func Question(t Type) []byte {
	f := first()
	return f.frame(t, 0, 0)
}

// Ping gives a PING frame that asks for a directory, too. A descriptor may ride
// on it, which shows whether descriptors arrive.
func Ping(d Dir) []byte {
	f := first()
	f.dir(d)
	return f.frame(TypePing, 0, 0)
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

// maxWords bounds, in bytes, a procedure's name and its summary in LISTING, and
// the texts of a call in CALLS.
const maxWords = 4096

// Append gives the message as a frame of type t. Procedures that LISTING has no
// room for are left out.
func (m *Info) Append(t Type) []byte {
	f := answer()
	f.text(1, m.Worker)
	f.text(2, m.Version)
	l, c := m.Load, m.Counters
	f.numbers(3, uint64(l.Running), uint64(l.Waiting), uint64(l.MaxCalls), uint64(l.MaxQueue), uint64(l.CPUs))
	f.numbers(4, c.Calls, c.Refused, c.Lost, c.TimedOut, c.Signaled, uint64(c.Up/time.Second))
	f.text(6, string(m.State))
	if w := m.Way; w != nil {
		in := w.Inside
		f.numbers(7, uint64(w.UID), uint64(w.GID), uint64(w.OwnUID), uint64(w.OwnGID), uint64(w.Descriptors), uint64(w.Dir),
			uint64(in.Rights), uint64(in.UID), uint64(in.GID), uint64(in.Mode))
	}
	if t == TypeListing && m.Scope != Listed {
		f.text(8, string(m.Scope))
	}
	for _, p := range m.Procedures[:min(len(m.Procedures), maxEntries)] {
		var entry fields
		entry.text(1, cut(p.Name, maxWords))
		entry.text(2, p.Kind)
		entry.text(3, cut(p.Summary, maxWords))
		if w := p.Workers; w != (Workers{}) {
			entry.numbers(4, uint64(w.Wanted), uint64(w.Warm), uint64(w.Busy), w.Restarts)
			entry.text(5, cut(w.Trouble, maxWords))
		}
		entry.topic(p.Topic)
		if t != TypeListing || !f.hasRoom(t, entry) {
			break
		}
		f.bytes(5, entry.b)
	}
	return f.frame(t, 0, 0)
}

// topic adds how a topic is used.
func (f *fields) topic(u TopicUse) {
	if u.Policy != "" || u.Subscribers > 0 || u.Publishers > 0 || u.Records > 0 || u.Dropped > 0 {
		f.numbers(6, uint64(u.Subscribers), uint64(u.Publishers), u.Records, u.Dropped)
	}
	f.text(7, cut(u.Policy, maxWords))
	for _, id := range u.Stalled[:min(len(u.Stalled), maxStalled)] {
		f.bytes(8, []byte(id))
	}
}

// ParseInfo reads the payload of PONG or LISTING, maxEntries procedures of it.
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
			n := r.numbers(tag, v, 5)
			m.Load = Load{number32(n[0]), number32(n[1]), number32(n[2]), number32(n[3]), number32(n[4])}
		case 4:
			n := r.numbers(tag, v, 6)
			m.Counters = Counters{n[0], n[1], n[2], n[3], n[4], time.Duration(min(n[5], 1<<32)) * time.Second}
		case 5:
			if len(m.Procedures) < maxEntries {
				m.Procedures = append(m.Procedures, r.entry(v))
			}
		case 6:
			m.State = State(r.text(tag, v))
		case 7:
			n := r.numbers(tag, v, 10)
			in := Inside{uint8(n[6]), number32(n[7]), number32(n[8]), number32(n[9])}
			m.Way = &Way{number32(n[0]), number32(n[1]), number32(n[2]), number32(n[3]), number32(n[4]), Sameness(min(n[5], 0xff)), in}
		case 8:
			m.Scope = Scope(r.text(tag, v))
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}

// entry reads a procedure of LISTING.
func (r *reader) entry(v []byte) (p Entry) {
	in := newReader(v)
	for tag, v, ok := in.next(); ok; tag, v, ok = in.next() {
		switch tag {
		case 1:
			p.Name = in.text(tag, v)
		case 2:
			p.Kind = in.text(tag, v)
		case 3:
			p.Summary = in.text(tag, v)
		case 4:
			n := in.numbers(tag, v, 4)
			p.Workers.Wanted, p.Workers.Warm, p.Workers.Busy, p.Workers.Restarts = number32(n[0]), number32(n[1]), number32(n[2]), n[3]
		case 5:
			p.Workers.Trouble = in.text(tag, v)
		case 6:
			n := in.numbers(tag, v, 4)
			p.Topic.Subscribers, p.Topic.Publishers, p.Topic.Records, p.Topic.Dropped = number32(n[0]), number32(n[1]), n[2], n[3]
		case 7:
			p.Topic.Policy = in.text(tag, v)
		case 8:
			if len(p.Topic.Stalled) < maxStalled {
				p.Topic.Stalled = append(p.Topic.Stalled, in.noNUL(tag, v))
			}
		default:
			in.unknown(tag)
		}
	}
	r.take(in, p.Name != "", "a listed procedure without a name")
	return p
}
