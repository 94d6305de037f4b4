package limit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Slots bounds the callers for whom files are looked at at the same time. Each
// look-up holds a thread of the operating system, so few at a time keep few
// threads busy. A look-up on a volume that hangs gives its slot to the next
// caller after stuckAfter, and is counted against its user. One user has no more than
// all slots but one, so that who looks at what hangs holds up himself.
type Slots struct {
	few int

	mu      sync.Mutex
	young   int // look-ups of less than stuckAfter
	all     int // look-ups
	users   map[uint32]*looks
	waiting []*look // the longest wait first
}

// looks is what one user has. It is deleted when that is nothing.
type looks struct{ waiting, young, stuck int }

// look is a look-up that waits for a slot or has one.
type look struct {
	uid   uint32
	ready chan struct{} // closed: it has a slot
	stuck bool
	timer *time.Timer
}

const (
	// MaxStuck is how many look-ups may run in all: a container's pids limit may be
	// 1024, threads count there, and Go ends a program that can have none.
	MaxStuck = 256
	// MaxStuckOfOne is how many of one user's look-ups may hang.
	MaxStuckOfOne = 64

	// stuckAfter is when a look-up gives its slot away. On a volume that works
	// it takes less than a millisecond.
	stuckAfter = 200 * time.Millisecond
)

// StuckError says that a user has so many look-ups that hang that there can't be
// another.
type StuckError struct{ Lookups int }

func (e *StuckError) Error() string {
	return fmt.Sprintf("%d look-ups of yours hang (does a file system not answer?)", e.Lookups)
}

// NewSlots makes few slots.
func NewSlots(few int) *Slots { return &Slots{few: few, users: map[uint32]*looks{}} }

// Take waits for a slot for the user uid until ctx ends. The error is ctx's, or a
// *StuckError. The caller gives the slot back by give, once or more often.
func (s *Slots) Take(ctx context.Context, uid uint32) (give func(), err error) {
	l := &look{uid: uid, ready: make(chan struct{})}
	if err := s.enter(l); err != nil {
		return nil, err
	}
	give = sync.OnceFunc(func() { s.leave(l) })
	select {
	case <-l.ready:
		return give, nil
	case <-ctx.Done():
		give()
		return nil, ctx.Err()
	}
}

func (s *Slots) enter(l *look) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[l.uid]
	if u == nil {
		u = &looks{}
		s.users[l.uid] = u
	}
	if u.stuck >= MaxStuckOfOne {
		return &StuckError{u.stuck}
	}
	u.waiting++
	s.waiting = append(s.waiting, l)
	s.grant()
	return nil
}

// grant gives slots to those that wait. s.mu is held.
func (s *Slots) grant() {
	s.waiting = slices.DeleteFunc(s.waiting, func(l *look) bool {
		u := s.users[l.uid]
		if s.young >= s.few || s.all >= MaxStuck || u.young >= max(1, s.few-1) {
			return false
		}
		u.waiting--
		u.young++
		s.young++
		s.all++
		l.timer = time.AfterFunc(stuckAfter, func() { s.age(l) })
		close(l.ready)
		return true
	})
}

// age takes the slot of a look-up that hangs.
func (s *Slots) age(l *look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.timer == nil { // it has just ended
		return
	}
	l.stuck = true
	s.users[l.uid].young--
	s.users[l.uid].stuck++
	s.young--
	s.grant()
}

// leave is enter's other end.
func (s *Slots) leave(l *look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[l.uid]
	switch {
	case l.timer == nil: // it waits
		u.waiting--
		s.waiting = slices.DeleteFunc(s.waiting, func(other *look) bool { return other == l })
	case l.stuck:
		u.stuck--
		s.all--
	default:
		l.timer.Stop()
		u.young--
		s.young--
		s.all--
	}
	l.timer = nil
	if *u == (looks{}) {
		delete(s.users, l.uid)
	}
	s.grant()
}
