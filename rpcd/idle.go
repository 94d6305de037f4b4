package rpcd

import (
	"container/list"
	"sync"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// idle are the connections without a call: nothing whole has come on them yet,
// they ask questions, their call is over, or they are kept for the next one.
// Their number is bounded, so that who connects and says nothing takes nobody
// else's place, and each counts for one more with every descriptor that it has
// brought: over the bound one is turned away, the eldest of the user who has the
// most.
type idle struct {
	mu    sync.Mutex
	max   int
	n     int
	users map[uint32]*seats
	fresh int    // those that may yet call for the first time
	last  int    // those that have had their last answer
	gone  func() // called when one of either has gone
}

// seats are one user's, the eldest first.
type seats struct {
	list.List // of *conn
	n         int
}

// maxIdle bounds the idle connections, whatever the limit of open files: each
// takes some 16 KiB of memory.
const maxIdle = 4096

// leastIdle is for daemons with hardly any descriptors.
const leastIdle = 16

// idleLimit leaves three quarters of the descriptors (RLIMIT_NOFILE,
// getrlimit(2)) to calls.
func idleLimit() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return leastIdle
	}
	return max(leastIdle, int(min(maxIdle, l.Cur/4)))
}

func newIdle(max int, gone func()) *idle {
	return &idle{max: max, users: map[uint32]*seats{}, gone: gone}
}

// add makes c idle, and turns one away where there are too many.
func (i *idle) add(c *conn) {
	i.mu.Lock()
	if c.gone || c.seat != nil {
		i.mu.Unlock()
		return
	}
	l := i.users[c.caller.UID]
	if l == nil {
		l = &seats{}
		i.users[c.caller.UID] = l
	}
	c.seat = l.PushBack(c)
	l.n += 1 + c.held
	i.n += 1 + c.held
	i.tally(c, 1)
	i.settle()
}

// weigh says how many descriptors c holds.
func (i *idle) weigh(c *conn, held int) {
	i.mu.Lock()
	more := held - c.held
	c.held = held
	if c.seat != nil {
		i.users[c.caller.UID].n += more
		i.n += more
	}
	i.settle()
}

// settle turns away who is too many, and unlocks.
func (i *idle) settle() {
	var victims []*conn
	for i.n > i.max {
		victims = append(victims, i.eldest())
	}
	i.mu.Unlock()
	for _, c := range victims {
		c.turnAway(wire.Busy, "is busy: too many connections wait for a call")
	}
}

// closing says that c has had its last answer.
func (i *idle) closing(c *conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if c.seat != nil {
		i.tally(c, -1)
	}
	c.closes = true
	if c.seat != nil {
		i.tally(c, 1)
	}
}

// tally counts c, or counts it no more.
func (i *idle) tally(c *conn, by int) {
	switch {
	case c.closes:
		i.last += by
	case !c.called:
		i.fresh += by
	}
	if by < 0 {
		i.gone()
	}
}

// busy takes c out for a call. false: it has been turned away.
func (i *idle) busy(c *conn) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.drop(c)
	c.called = true
	return !c.gone
}

// leave takes c out for ever.
func (i *idle) leave(c *conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.drop(c)
	c.gone = true
}

// spare turns one away, and says whether there was one.
func (i *idle) spare(why string) bool {
	i.mu.Lock()
	victim := i.eldest()
	i.mu.Unlock()
	if victim != nil {
		victim.turnAway(wire.Busy, why)
	}
	return victim != nil
}

// clear turns away those that had a call, or all, but for those who have their
// last answer: they may be about to read it.
func (i *idle) clear(all bool, code wire.Code, why string) {
	i.mu.Lock()
	var victims []*conn
	for _, l := range i.users {
		for e := l.Front(); e != nil; e = e.Next() {
			if c := e.Value.(*conn); !c.closes && (all || c.called) {
				victims = append(victims, c)
			}
		}
	}
	for _, c := range victims {
		i.drop(c)
		c.gone = true
	}
	i.mu.Unlock()
	for _, c := range victims {
		c.turnAway(code, why)
	}
}

// count is how many may yet call for the first time, and how many have had their
// last answer.
func (i *idle) count() (fresh, last int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fresh, i.last
}

// eldest takes out who goes first; nil when there is none.
func (i *idle) eldest() *conn {
	var most *seats
	for _, l := range i.users {
		if most == nil || l.n > most.n {
			most = l
		}
	}
	if most == nil {
		return nil
	}
	c := most.Front().Value.(*conn)
	i.drop(c)
	c.gone = true
	return c
}

func (i *idle) drop(c *conn) {
	if c.seat == nil {
		return
	}
	l := i.users[c.caller.UID]
	l.Remove(c.seat)
	l.n -= 1 + c.held
	if l.Len() == 0 {
		delete(i.users, c.caller.UID)
	}
	c.seat = nil
	i.n -= 1 + c.held
	i.tally(c, -1)
}

// turnAway refuses whatever c may be about to send, and closes it.
func (c *conn) turnAway(code wire.Code, why string) {
	c.server.counters.refused.Add(1)
	c.fd.SendAndClose((&wire.Refused{Code: code, Text: why}).Append())
}
