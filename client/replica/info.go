package replica

import (
	"context"
	"time"

	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// Info is what a replica says of itself.
type Info struct {
	Socket string
	RTT    time.Duration // of the question

	Worker     string // its own name
	Version    string // of rpcd
	State      string // "up" or "draining"
	Load       Load
	Counters   Counters
	Procedures []Entry // List's alone: those that this caller may call
	AnyCommand bool    // List's alone: every command of the replica may be called, and every path
	Way        *Way    // Ping's alone; nil: the worker doesn't say
}

// Load is how busy a replica is, in calls.
type Load struct {
	Running, Waiting   uint32 // now
	MaxCalls, MaxQueue uint32 // how many may run, and wait
	CPUs               uint32 // that the replica may use; 0: it doesn't say
}

// Counters are a replica's sums since its start.
type Counters struct {
	Calls, Refused, Lost, TimedOut, Signaled uint64
	Up                                       time.Duration // whole seconds
}

// Entry is a procedure that a replica lists.
type Entry struct {
	Name    string
	Type    string // spawned, resident or topic
	Summary string // one line, or ""
	Workers ResidentWorkers
	Topic   TopicUse
}

// TopicUse is how a topic is used; the zero value is none.
type TopicUse struct {
	Policy                  string   // as rpc help exports has it
	Subscribers, Publishers uint32   // that there are now
	Records, Dropped        uint64   // since somebody used it first; by the policy, summed over subscribers
	Stalled                 []string // ids, as in rpcd's log, of subscribers that publishers wait for
}

// ResidentWorkers are those of a procedure; the zero value is none.
type ResidentWorkers struct {
	Wanted, Warm, Busy uint32 // how many there should be, are ready or serve, and serve
	Restarts           uint64 // how many were started in the place of one that failed
	Trouble            string // what is wrong with them just now, one line; "": nothing
}

// Way is how a caller reaches a replica, as the replica sees it.
type Way struct {
	UID, GID       uint32 // the caller's
	OwnUID, OwnGID uint32 // that the caller's calls run as
	Descriptors    uint32 // that came with the question
	Dir            Sameness
	Inside         Inside
}

// Inside is what the caller's calls may do in the directory that they start in, and
// whose it is.
type Inside struct {
	Rights   uint8  // MayRead and so on
	UID, GID uint32 // of its owner
	Mode     uint32 // st_mode (inode(7)); 0: the replica doesn't say
}

// The rights in a directory.
const (
	MayEnter = wire.MayEnter
	MayWrite = wire.MayWrite
	MayRead  = wire.MayRead
	ReadOnly = wire.ReadOnly // its file system is
)

// Sameness says whether a directory of the caller's is the replica's, too.
type Sameness uint8

// What a replica may say of a directory.
const (
	DirNotAsked Sameness = Sameness(wire.DirNotAsked)
	DirSame     Sameness = Sameness(wire.DirSame)
	DirOther    Sameness = Sameness(wire.DirOther)   // another one has that name
	DirMissing  Sameness = Sameness(wire.DirMissing) // none has it
	DirWorkdir  Sameness = Sameness(wire.DirWorkdir) // it can't be had, but calls start in the worker's workdir then
	DirNoEntry  Sameness = Sameness(wire.DirNoEntry) // it can't be entered
)

// Ping asks every replica of a worker how it is, for at most d each. The answers
// have the order of the sockets' names. When none answers, the error is that of
// the first replica that may answer yet, or of the first.
func Ping(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	return infos(ctx, worker, plain(wire.TypePing, wire.TypePong), d)
}

// List is Ping with the procedures that this caller may call.
func List(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	return infos(ctx, worker, plain(wire.TypeList, wire.TypeListing), d)
}

func infos(ctx context.Context, worker string, q talk.Question, d time.Duration) ([]Info, error) {
	sockets, err := Sockets(worker)
	if err != nil {
		return nil, err
	}
	var infos []Info
	var first error
	for _, a := range askAll(ctx, worker, sockets, q, d) {
		info, err := a.info()
		if err == nil {
			infos = append(infos, *info)
		} else if e := a.explain(worker, err, d); first == nil || !mayAnswer(first) && mayAnswer(e) {
			first = e
		}
	}
	if len(infos) > 0 {
		return infos, nil
	}
	return nil, first
}

// mayAnswer says whether a replica that doesn't answer now may do so later.
func mayAnswer(err error) bool {
	return is(err, func(e *Error) bool { return e.MayPass() || e.Reason == Lost })
}

func (a *answer) info() (*Info, error) {
	if a.err != nil {
		return nil, a.err
	}
	m, err := wire.ParseInfo(a.payload)
	if err != nil {
		return nil, err
	}
	i := &Info{
		Socket: a.socket, RTT: a.rtt,
		Worker: m.Worker, Version: m.Version, State: string(m.State), AnyCommand: m.Scope == wire.Commands,
		Load: Load(m.Load), Counters: Counters(m.Counters),
	}
	for _, p := range m.Procedures {
		i.Procedures = append(i.Procedures, Entry{Name: p.Name, Type: p.Kind, Summary: p.Summary, Workers: ResidentWorkers(p.Workers), Topic: TopicUse(p.Topic)})
	}
	if w := m.Way; w != nil {
		i.Way = &Way{UID: w.UID, GID: w.GID, OwnUID: w.OwnUID, OwnGID: w.OwnGID, Descriptors: w.Descriptors, Dir: Sameness(w.Dir), Inside: Inside(w.Inside)}
	}
	return i, nil
}
