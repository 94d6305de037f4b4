package limit

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// crowd is connections by name, and why they were turned away.
type crowd struct {
	*Connections
	t       *testing.T
	changes int
	away    map[string]Reason
}

func newCrowd(t *testing.T, most int) *crowd {
	c := &crowd{t: t, away: map[string]Reason{}}
	c.Connections = NewConnections(most, func() { c.changes++ })
	return c
}

// take makes a connection that waits for its first call.
func (c *crowd) take(name string, uid uint32) *Seat { return c.takeAs(name, uid, false) }

func (c *crowd) takeAs(name string, uid uint32, stranger bool) *Seat {
	s := c.Seat(uid, stranger, func(why Reason) {
		if _, ok := c.away[name]; ok {
			c.t.Errorf("%s is turned away twice", name)
		}
		c.Answered() // without the lock, so that this doesn't hang
		c.away[name] = why
	})
	s.Take()
	return s
}

// wantAway checks which connections were turned away for a reason, and forgets
// them.
func (c *crowd) wantAway(why Reason, names ...string) {
	c.t.Helper()
	var got []string
	for name, reason := range c.away {
		if reason != why {
			c.t.Errorf("%s was turned away for %d, want %d", name, reason, why)
		}
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, names) {
		c.t.Errorf("turned away: %q, want %q", got, names)
	}
	clear(c.away)
}

func (c *crowd) wantCounts(waitingForFirstCall, answered int) {
	c.t.Helper()
	if w, a := c.WaitingForFirstCall(), c.Answered(); w != waitingForFirstCall || a != answered {
		c.t.Errorf("%d wait for their first call, %d are answered; want %d, %d", w, a, waitingForFirstCall, answered)
	}
}

// Over the bound the eldest of the user with the most is turned away; one that
// calls isn't.
// fault: 25
func TestWhoIsTurnedAway(t *testing.T) {
	c := newCrowd(t, 5)
	a1, a2 := c.take("a1", 1), c.take("a2", 1)
	c.take("b1", 2)
	c.take("a3", 1)
	c.take("a4", 1)
	if !a1.StartCall() {
		t.Error("a1 was turned away below the bound")
	}
	c.take("b2", 2)
	c.wantAway(TooManyConnections)
	c.take("c1", 3)
	c.wantAway(TooManyConnections, "a2")
	if a2.StartCall() {
		t.Error("a connection that was turned away may call")
	}
	a2.Take()
	a1.Take() // its call is over
	c.wantAway(TooManyConnections, "a3")
	a1.Take() // it waits already
	c.wantAway(TooManyConnections)
	c.wantCounts(4, 0)
}

// Where each user has one connection, who has two isn't the one to go, but who has
// waited longest. A connection that came just now stays.
// fault: 117
func TestOneConnectionPerUser(t *testing.T) {
	c := newCrowd(t, 20)
	kept := c.take("kept", 1)
	kept.StartCall()
	for uid := range uint32(18) {
		c.take(fmt.Sprint("crowd", uid), 100+uid)
	}
	kept.Take()
	called := c.take("called", 1)
	c.wantAway(TooManyConnections)
	c.take("late", 99)
	c.wantAway(TooManyConnections, "crowd0")
	c.take("later", 98)
	c.wantAway(TooManyConnections, "crowd1")
	if !called.StartCall() {
		t.Error("who has two connections was turned away")
	}
}

// Strangers are one user, whatever their user IDs.
// fault: 117
func TestStrangersAreOneUser(t *testing.T) {
	c := newCrowd(t, 20)
	c.take("a1", 1)
	c.take("a2", 1)
	for uid := range uint32(18) {
		c.takeAs(fmt.Sprint("stranger", uid), 100+uid, true)
	}
	c.take("a3", 1)
	c.wantAway(TooManyConnections, "stranger0")
	c.takeAs("stranger18", 1, true) // the user ID of one who is admitted: by other groups
	c.wantAway(TooManyConnections, "stranger1")
}

// A descriptor weighs as much as a connection.
func TestDescriptorsCount(t *testing.T) {
	c := newCrowd(t, 10)
	a, b := c.take("a", 1), c.take("b", 2)
	c.take("b2", 2)
	a.Hold(7)
	c.wantAway(TooManyConnections)
	if a.Held() != 7 {
		t.Errorf("%d are held", a.Held())
	}
	b.Hold(1)
	c.wantAway(TooManyConnections, "a")
	a.Hold(0)
	b.Hold(8)
	c.wantAway(TooManyConnections)
	b.StartCall() // takes them with it
	d := c.take("d", 4)
	d.Hold(8)
	c.wantAway(TooManyConnections)
	d.Hold(9)
	c.wantAway(TooManyConnections, "d")
	b.Take()
	c.wantAway(TooManyConnections)
	e := c.take("e", 5)
	c.wantAway(TooManyConnections, "b2") // the eldest of the heaviest, whatever it weighs itself
	e.Hold(2)
	c.wantAway(TooManyConnections, "b") // what it held stayed with it
}

// In a shortage of descriptors one makes room, as long as there is one.
func TestMakeRoom(t *testing.T) {
	c := newCrowd(t, 10)
	c.take("a", 1)
	c.take("b", 1)
	for _, name := range []string{"a", "b"} {
		if !c.MakeRoom() {
			t.Error("none makes room")
		}
		c.wantAway(OutOfDescriptors, name)
	}
	if c.MakeRoom() {
		t.Error("there is none to make room")
	}
}

// A drain leaves those alone that are about to read their last answer, and tells
// its owner whenever one less waits.
func TestDrainsConnections(t *testing.T) {
	c := newCrowd(t, 10)
	c.take("fresh", 1)
	answered, refused := c.take("answered", 1), c.take("refused", 1)
	kept, gone := c.take("kept", 2), c.take("gone", 2)
	for _, s := range []*Seat{answered, kept, gone} {
		s.StartCall()
	}
	c.wantCounts(2, 0)
	answered.MarkAnswered()
	refused.MarkAnswered()
	for _, s := range []*Seat{answered, kept, gone} {
		s.Take()
	}
	c.wantCounts(1, 2)
	gone.Close()
	gone.Take()
	c.DrainCalled()
	c.wantAway(Draining, "kept")
	c.wantCounts(1, 2)
	c.DrainAll()
	c.wantAway(Draining, "fresh")
	c.wantCounts(0, 2)
	before := c.changes
	answered.Close()
	refused.Close()
	refused.Close()
	c.wantCounts(0, 0)
	if c.changes != before+2 {
		t.Errorf("%d changes, want 2", c.changes-before)
	}
	if len(c.users) != 0 || c.weight != 0 || c.seats.Len() != 0 {
		t.Errorf("%d users are remembered, and a weight of %d", len(c.users), c.weight)
	}
}

func TestShareOfDescriptors(t *testing.T) {
	if n := ShareOfDescriptors(); n < minWaiting || n > maxWaiting {
		t.Errorf("%d", n)
	}
}

// Who closes a connection that is being turned away waits until its caller has been told:
// else the end would come without a word.
// fault: 25
func TestCloseWaitsForTheWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewConnections(5, func() {})
		said, closed := make(chan struct{}), make(chan struct{})
		s := c.Seat(1, false, func(Reason) { <-said })
		s.Take()
		go c.MakeRoom()
		synctest.Wait()
		if s.StartCall() {
			t.Error("a call starts on a connection that is turned away")
		}
		go func() { s.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed before its caller was told")
		default:
		}
		close(said)
		<-closed
		s.Close()
	})
}
