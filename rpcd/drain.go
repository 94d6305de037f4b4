package rpcd

import (
	"maps"
	"os"
	"slices"
	"time"

	"rpcd/rpcd/fdconn"
)

// lastWords is how long, after the grace, calls have for their output and
// status.
const lastWords = 2 * time.Second

// lastMoment is how long killed calls have for their status.
const lastMoment = 500 * time.Millisecond

// lastWait bounds the wait for killed processes: what is stuck in the kernel
// may stay there.
const lastWait = 10 * time.Second

// Drain brings the server to its end and returns when no call is left. Running
// calls have d to end by themselves, then TERM, the grace, KILL. New and
// waiting ones are refused; but where the sockets are somebody else's
// (Activated) it stops to accept, which leaves the others to a successor, and
// what it has accepted runs as long as there is time. A receive from now ends
// everything at once.
func (s *Server) Drain(d time.Duration, now <-chan os.Signal) {
	s.mu.Lock()
	s.draining, s.refusing = true, !s.Activated
	listeners := s.listeners
	s.mu.Unlock()
	if s.Activated {
		s.hangUp(listeners)
		s.connections.DrainCalled()
	} else {
		s.queue.Close()
	}
	words := lastMoment
	if s.end(d, now) {
		words = lastWords
	}
	s.hangUp(listeners)
	s.connections.DrainAll()
	s.settle(nil, time.After(lastWords)) // those who had called just before are told
	s.farewell(now, time.After(words))
}

// farewell waits until those who have had their answer have closed: behind some
// bridges a worker that closes first takes its last words with it.
func (s *Server) farewell(now <-chan os.Signal, limit <-chan time.Time) {
	for {
		if s.connections.Answered() == 0 {
			return
		}
		select {
		case <-s.changed:
		case <-now:
			return
		case <-limit:
			return
		}
	}
}

// end lets the calls end, and ends them. It says whether they ended in time.
func (s *Server) end(d time.Duration, now <-chan os.Signal) bool {
	switch s.settle(now, time.After(d)) {
	case settled:
		return true
	case timeOver:
		s.mu.Lock()
		s.refusing = true
		s.mu.Unlock()
		s.queue.Close()
		s.connections.DrainAll()
		s.endAll(termed)
		if s.settle(now, time.After(s.Grace+lastWords)) == settled {
			return false
		}
	}
	s.mu.Lock()
	s.refusing = true
	s.mu.Unlock()
	s.queue.Close()
	close(s.dead)
	s.endAll(killed)
	if s.settle(nil, time.After(lastMoment)) == settled {
		return false
	}
	s.mu.Lock()
	for c := range s.calls {
		c.conn.fd.Close() // its caller doesn't take the output
	}
	s.mu.Unlock()
	s.connections.DrainAll()
	if s.settle(nil, time.After(lastWait)) != settled {
		s.Log.Warn("leave killed processes to the kernel: they don't end")
	}
	return false
}

// hangUp ends the accepting. Who was about to be accepted is told, unless a
// successor will see to it.
func (s *Server) hangUp(listeners []*fdconn.Listener) {
	for _, l := range listeners {
		if !s.Activated {
			l.Unlink()
			s.turnAll(l.AcceptAndRefuse)
		}
		l.Close()
	}
	s.loops.Wait()
}

// turnAll tells those who wait to be accepted, by turn, which says whether there
// was one: as many as may wait at once (fdconn's backlog), since somebody may
// come again and again, by a descriptor of the socket's file.
func (s *Server) turnAll(turn func([]byte) bool) {
	words := refusedDraining.Append()
	for range mostTurned {
		if !turn(words) {
			return
		}
		s.counters.refused.Add(1)
	}
}

const mostTurned = 4096

// How a settle ends.
const (
	settled  = iota // nothing is left
	timeOver        // the time was over
	atOnce          // a signal came
)

// settle waits until nothing is left to wait for.
func (s *Server) settle(now <-chan os.Signal, limit <-chan time.Time) int {
	for !s.isSettled() {
		select {
		case <-s.changed:
		case <-now:
			return atOnce
		case <-limit:
			return timeOver
		}
	}
	return settled
}

// isSettled: no call is left, nothing of an ended one, and, where all that we
// accepted is to be served, nobody who hasn't said yet what he wants.
func (s *Server) isSettled() bool {
	waiting := s.connections.WaitingForFirstCall()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls) == 0 && s.tails == 0 && (s.refusing || waiting == 0)
}

// endAll brings the end of every call about.
func (s *Server) endAll(how ending) {
	s.mu.Lock()
	calls := slices.Collect(maps.Keys(s.calls))
	s.mu.Unlock()
	for _, c := range calls {
		s.Log.Warn("end a call: rpcd stops", "call", c.id, "procedure", printable(c.Procedure))
		c.end(how)
	}
}
