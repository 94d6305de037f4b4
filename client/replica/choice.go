package replica

import (
	"cmp"
	"context"
	"math"

	"time"

	"rpcd/rpcd/wire"
)

// loadTime is how long a replica may take to say its load. A replica that is
// slower gets no call while another one answers.
const loadTime = 200 * time.Millisecond

// Choice gives the replicas of a worker to try for one call, one after the other.
//
// The least loaded comes first, and isn't asked to queue the call. When all are
// full they come again, the shortest queue first, and may queue it. A worker's
// only replica isn't asked for its load: it comes once.
type Choice struct {
	rounds []round
	full   []Info // said that they are busy, in the first round
}

type round struct {
	replicas []Info
	queue    bool
}

// Try is one replica to try.
type Try struct {
	Socket string
	Queue  bool // the call may wait in the replica's queue
}

// Choose asks the replicas of a worker for their load.
func Choose(ctx context.Context, worker string) (*Choice, error) {
	sockets, err := Sockets(worker)
	if err != nil {
		return nil, err
	}
	if len(sockets) == 1 {
		return &Choice{rounds: []round{{[]Info{{Socket: sockets[0]}}, true}}}, nil
	}
	up, err := whoAnswers(worker, askAll(ctx, worker, sockets, plain(wire.TypePing, wire.TypePong), loadTime))
	if err != nil {
		return nil, err
	}
	return newChoice(up), nil
}

// newChoice is Choose once all have answered.
func newChoice(up []Info) *Choice {
	sortStably(up, func(a, b *Info) int {
		return cmp.Or(cmp.Compare(drains(a), drains(b)), cmp.Compare(inHand(a.Load), inHand(b.Load)))
	})
	return &Choice{rounds: []round{{up, false}, {nil, true}}}
}

// Next gives the next replica to try.
func (c *Choice) Next() (t Try, ok bool) {
	for len(c.rounds) > 0 {
		r := &c.rounds[0]
		if len(r.replicas) > 0 {
			t = Try{Socket: r.replicas[0].Socket, Queue: r.queue}
			return t, true
		}
		c.rounds = c.rounds[1:]
		if len(c.rounds) > 0 {
			sortStably(c.full, func(a, b *Info) int { return cmp.Compare(queued(a.Load), queued(b.Load)) })
			c.rounds[0].replicas, c.full = c.full, nil
		}
	}
	return t, false
}

// Failed says that the replica of the last Next has started nothing. With busy the
// replica is full: it may queue the call if all others are full, too.
func (c *Choice) Failed(busy bool) {
	r := &c.rounds[0]
	if busy {
		c.full = append(c.full, r.replicas[0])
	}
	r.replicas = r.replicas[1:]
}

// drains sorts replicas that drain behind all others.
func drains(i *Info) int {
	if i.State != "up" {
		return 1
	}
	return 0
}

// inHand is how many calls a replica has.
func inHand(l Load) uint64 { return uint64(l.Running) + uint64(l.Waiting) }

// queued is how many calls a call finds before it in a queue. A full queue has no
// end.
func queued(l Load) uint32 {
	if l.Waiting >= l.MaxQueue {
		return math.MaxUint32
	}
	return l.Waiting
}

// whoAnswers gives the replicas that answered. If none did, it gives the error of
// one socket, if possible of one that may answer later.
func whoAnswers(worker string, answers []answer) ([]Info, error) {
	var up []Info
	var first error
	silent := false
	for _, a := range answers {
		info, err := a.info()
		switch {
		case err == nil:
			up = append(up, *info)
		case a.connected:
			silent = true
		default:
			if e := a.explain(worker, err, loadTime); first == nil || !mayPass(first) && mayPass(e) {
				first = e
			}
		}
	}
	switch {
	case len(up) > 0:
		return up, nil
	case first == nil:
		e := newError(Unreachable, worker, errNotUp, "cannot reach %s: none of its sockets answers", worker)
		e.Try = "is the worker up?"
		return nil, e
	case silent && !mayPass(first): // the silent one may answer yet
		return nil, newError(Unreachable, worker, errNotUp, "%v", first)
	}
	return nil, first
}
