package limit

import (
	"container/list"
	"sync"

	"rpcd/internal/openlimit"
)

// Connections bounds the connections that wait for a call, so that a caller who
// connects and says nothing takes nobody else's place. A connection weighs one,
// and one more for each descriptor that it has brought. Over the bound one is
// turned away: the eldest of the user whose connections weigh most, or the eldest
// of all where no user has much (dominant).
//
// Who may not call at all is a stranger. All strangers are one user: root in a
// container has as many user IDs as it likes.
//
// Connections in a call don't count: Queue bounds those.
type Connections struct {
	most    int    // the weight that all may have
	changed func() // see NewConnections

	mu                  sync.Mutex
	weight              int             // of all
	users               map[owner]*user // those with a connection that waits
	seats               list.List       // of *Seat, of all users, the longest wait first
	waitingForFirstCall int             // those that had no call yet, nor their last answer
	answered            int             // those that have had their last answer
}

// owner is a user ID, or strangers.
type owner int64

const strangers owner = -1

// dominant is the share of the whole weight from which on a user has much. Below it
// more than so many users share the bound, and a comparison would only find who has
// two connections where all others have one. Whose kept connection then goes makes
// a new one, which is the youngest.
const dominant = 8

// user is what one owner has among the waiting connections.
type user struct {
	seats  list.List // of *Seat, the eldest first
	weight int
}

// Reason says why a connection is turned away.
type Reason int

// The reasons.
const (
	OutOfDescriptors   Reason = iota // the process is at its limit of open files
	TooManyConnections               // their weight is over the bound
	Draining                         // the process is about to end
)

const (
	// maxWaiting bounds the weight whatever the limit of open files: each
	// connection takes some 16 KiB of memory, so these take 64 MiB.
	maxWaiting = 4096
	// minWaiting is for a process with hardly any descriptors: a few callers
	// must be able to connect at the same time.
	minWaiting = 16
)

// ShareOfDescriptors is the weight that leaves three quarters of the process's
// descriptors (RLIMIT_NOFILE, getrlimit(2)) to calls; 16 at least, 4096 at most.
func ShareOfDescriptors() int {
	return max(minWaiting, min(maxWaiting, openlimit.Number()/4))
}

// NewConnections bounds the weight of the waiting connections to most. changed
// is called when one waits no longer, or has had its last answer. It is called
// with a lock held: it must neither wait nor call this package.
func NewConnections(most int, changed func()) *Connections {
	return &Connections{most: most, changed: changed, users: map[owner]*user{}}
}

// MakeRoom turns one connection away, OutOfDescriptors, and says whether there
// was one.
func (c *Connections) MakeRoom() bool {
	c.mu.Lock()
	s := c.removeEldest()
	c.mu.Unlock()
	if s == nil {
		return false
	}
	s.tell(OutOfDescriptors)
	return true
}

// DrainCalled turns the connections away, Draining, that had a call and wait for
// the next one. Those that have had their last answer stay, as they may be about
// to read it.
func (c *Connections) DrainCalled() { c.drain(func(s *Seat) bool { return s.called }) }

// DrainAll does that to connections that had no call, too.
func (c *Connections) DrainAll() { c.drain(func(*Seat) bool { return true }) }

func (c *Connections) drain(which func(*Seat) bool) {
	c.mu.Lock()
	var drained []*Seat
	for _, u := range c.users {
		for e := u.seats.Front(); e != nil; e = e.Next() {
			if s := e.Value.(*Seat); !s.answered && which(s) {
				drained = append(drained, s)
			}
		}
	}
	for _, s := range drained {
		s.remove()
	}
	c.mu.Unlock()
	for _, s := range drained {
		s.tell(Draining)
	}
}

// WaitingForFirstCall is how many connections had no call yet.
func (c *Connections) WaitingForFirstCall() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waitingForFirstCall
}

// Answered is how many connections have had their last answer and are open.
func (c *Connections) Answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered
}

// removeExcess removes connections until the others are within the bound. The
// caller turns them away once it has unlocked.
func (c *Connections) removeExcess() (excess []*Seat) {
	for c.weight > c.most {
		excess = append(excess, c.removeEldest())
	}
	return excess
}

// removeEldest removes the connection that goes first; nil: none waits.
func (c *Connections) removeEldest() *Seat {
	var heaviest *user
	for _, u := range c.users {
		if heaviest == nil || u.weight > heaviest.weight {
			heaviest = u
		}
	}
	if heaviest == nil {
		return nil
	}
	first := heaviest.seats.Front()
	if heaviest.weight*dominant < c.weight {
		first = c.seats.Front()
	}
	s := first.Value.(*Seat)
	s.remove()
	return s
}
