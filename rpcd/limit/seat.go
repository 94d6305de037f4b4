package limit

import "container/list"

// Seat is one connection's part in Connections. It is taken while the connection
// waits for a call, and vacant while a call runs.
type Seat struct {
	of       *Connections
	owner    owner
	turnAway func(Reason) // called without the lock

	// Under the lock of Connections; only held is also read without it, by the
	// goroutine that changes it.
	place    *list.Element // in the user's list; nil: the seat is vacant
	turn     *list.Element // in the list of all
	held     int           // descriptors that came for a call to come
	called   bool          // the connection had a call
	answered bool          // it has had its last answer, and the caller is to close it
	removed  bool          // it was turned away, or is closed: the seat stays vacant
	told     chan struct{} // closed: the caller of one that is turned away has been told; nil: it isn't
}

// Seat makes a seat, still vacant, for a connection of the user uid, who is a
// stranger if no call of that user would be served. turnAway tells the caller why, and closes the connection. It is called once at most,
// never for a connection in a call, and may call this package.
func (c *Connections) Seat(uid uint32, stranger bool, turnAway func(Reason)) *Seat {
	s := &Seat{of: c, owner: owner(uid), turnAway: turnAway}
	if stranger {
		s.owner = strangers
	}
	return s
}

// Take says that the connection waits for a call. Where there are too many,
// connections are turned away, this one perhaps among them. On a seat that is
// taken or closed it does nothing.
func (s *Seat) Take() {
	s.of.mu.Lock()
	if s.place == nil && !s.removed {
		s.occupy()
	}
	excess := s.of.removeExcess()
	s.of.mu.Unlock()
	turnAllAway(excess)
}

// Hold says how many descriptors the connection has brought for a call to come.
// Only the connection's reader may call Hold and Held.
func (s *Seat) Hold(n int) {
	s.of.mu.Lock()
	more := n - s.held
	s.held = n
	if s.place != nil {
		s.of.users[s.owner].weight += more
		s.of.weight += more
	}
	excess := s.of.removeExcess()
	s.of.mu.Unlock()
	turnAllAway(excess)
}

// Held is what Hold said last.
func (s *Seat) Held() int { return s.held }

// StartCall vacates the seat for a call. It says no if the connection was turned
// away: its caller is told, and the call must not start.
func (s *Seat) StartCall() bool {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.vacate()
	s.called = true
	return !s.removed
}

// MarkAnswered says that the connection has its last answer, and that the caller is to
// close it now.
func (s *Seat) MarkAnswered() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.place != nil {
		s.count(-1)
	}
	s.answered = true
	if s.place != nil {
		s.count(1)
	}
}

// Close vacates the seat for good. If the connection is being turned away just now,
// Close returns when its caller has been told: the connection may be closed then. A
// second Close does nothing.
func (s *Seat) Close() {
	s.of.mu.Lock()
	s.vacate()
	s.removed = true
	told := s.told
	s.of.mu.Unlock()
	if told != nil {
		<-told
	}
}

// remove begins to turn the connection away; the lock is held. Then comes tell, without it.
func (s *Seat) remove() {
	s.vacate()
	s.removed, s.told = true, make(chan struct{})
}

// tell has the caller told.
func (s *Seat) tell(why Reason) {
	defer close(s.told)
	s.turnAway(why)
}

func (s *Seat) weight() int { return 1 + s.held }

func (s *Seat) occupy() {
	u := s.of.users[s.owner]
	if u == nil {
		u = &user{}
		s.of.users[s.owner] = u
	}
	s.place, s.turn = u.seats.PushBack(s), s.of.seats.PushBack(s)
	u.weight += s.weight()
	s.of.weight += s.weight()
	s.count(1)
}

func (s *Seat) vacate() {
	if s.place == nil {
		return
	}
	u := s.of.users[s.owner]
	u.seats.Remove(s.place)
	s.of.seats.Remove(s.turn)
	u.weight -= s.weight()
	if u.seats.Len() == 0 {
		delete(s.of.users, s.owner)
	}
	s.place = nil
	s.of.weight -= s.weight()
	s.count(-1)
}

// count adds by to the number of taken seats in the state of this one.
func (s *Seat) count(by int) {
	switch {
	case s.answered:
		s.of.answered += by
	case !s.called:
		s.of.waitingForFirstCall += by
	}
	if by < 0 {
		s.of.changed()
	}
}

func turnAllAway(seats []*Seat) {
	for _, s := range seats {
		s.tell(TooManyConnections)
	}
}
