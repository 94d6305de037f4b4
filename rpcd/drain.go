package rpcd

import (
	"os"
	"time"

	"rpcd/internal/printable"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/journal"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/wire"
)

// killedTime is how long killed calls have for their status.
const killedTime = 500 * time.Millisecond

// stuckTime bounds the wait for killed processes: what is stuck in the kernel may
// stay there.
const stuckTime = 2 * time.Second

// Drain brings the server to its end and returns when no call is left. Running
// calls have d to end by themselves, then TERM, the grace, KILL. New and waiting
// calls are refused. But where the sockets are somebody else's (Activated), the
// server stops to accept, which leaves new callers to a successor, and what it
// has accepted runs as long as there is time. A receive from now ends everything
// at once.
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
		s.runners.Drain()
	}
	s.topics.Close()
	s.loans.Close()
	reading := killedTime
	if s.endCalls(d, now) {
		reading = outputTime
	}
	s.runners.Drain()
	limit.Wait(s.changed, s.hasNoCalls, now, time.After(s.Grace))
	s.runners.Close() // resident workers have had the grace
	s.hangUp(listeners)
	s.connections.DrainAll()
	limit.Wait(s.changed, s.hasNoCalls, nil, time.After(reading)) // callers that called just before are told
	// Behind some bridges a worker that closes first takes its last words with it.
	limit.Wait(s.changed, func() bool { return s.connections.Answered() == 0 }, now, time.After(reading))
	sums := s.counters.Sums(time.Since(s.began))
	s.Log.Info("stopped", "calls", sums.Calls, "refused", sums.Refused, "lost", sums.Lost, "seconds", journal.Seconds(sums.Up))
}

// drainPhase is a step in which the calls of a draining server end.
type drainPhase struct {
	begin func()
	limit time.Duration    // after which the next phase begins
	now   <-chan os.Signal // a receive begins the phase killPhase
}

// killPhase is the index of the phase that leaves no grace.
const killPhase = 2

// endCalls lets the calls end, and ends them, and reports whether they ended by
// themselves:
//
//	phase      new calls        calls that run      at most
//	finish     refused, unless  go on               d
//	           Activated
//	terminate  refused          get TERM and CONT   the grace, and outputTime
//	kill       refused          get KILL            killedTime
//	cut        refused          lose their callers  stuckTime
func (s *Server) endCalls(d time.Duration, now <-chan os.Signal) bool {
	phases := []drainPhase{
		{func() {}, d, now},
		{func() { s.refuseAll(); s.endAll(terminated, d) }, s.Grace + outputTime, now},
		{func() { s.refuseAll(); s.runners.Close(); s.endAll(killed, 0) }, killedTime, nil},
		{func() { s.refuseAll(); s.cutAll() }, stuckTime, nil},
	}
	for i := 0; i < len(phases); i++ {
		phases[i].begin()
		switch limit.Wait(s.changed, s.hasNoCalls, phases[i].now, time.After(phases[i].limit)) {
		case limit.Fulfilled:
			return i == 0
		case limit.Interrupted:
			i = killPhase - 1
		}
	}
	s.Log.Warn("leave killed processes to the kernel: they don't end")
	return false
}

// refuseAll refuses calls that wait and calls to come.
func (s *Server) refuseAll() {
	s.mu.Lock()
	s.refusing = true
	s.mu.Unlock()
	s.queue.Close()
	s.runners.Drain()
	s.connections.DrainAll()
}

// endAll brings the end of every call about. d is the drain that ran out; 0: it was
// interrupted.
func (s *Server) endAll(how ending, d time.Duration) {
	for _, c := range s.allCalls() {
		s.Log.Warn("end a call: rpcd stops", "call", c.number(), "procedure", printable.Escaped(c.describe().Procedure))
		c.end(how, wire.End{Reason: wire.Drain, Limit: d})
	}
}

// cutAll closes the connections of calls whose callers don't take the output.
func (s *Server) cutAll() {
	for _, c := range s.allCalls() {
		c.fd.HangUp()
	}
}

// hangUp ends the accepting. Callers that were about to be accepted are told,
// unless a successor will serve them.
func (s *Server) hangUp(listeners []*fdconn.Listener) {
	for _, l := range listeners {
		if !s.Activated {
			l.HangUp()
			s.counters.Refused.Add(uint64(l.RefuseWaiting(refusal.Draining.Append())))
		}
		l.Close()
	}
	s.loops.Wait()
}

// hasNoCalls: no call is left, and nothing of an ended one. Where all accepted
// callers are to be served, none may be there that hasn't said yet what it wants.
// The calls are looked at first, since a call has left something before it goes.
func (s *Server) hasNoCalls() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls) == 0 && s.runners.Leftovers() == 0 && (s.refusing || s.connections.WaitingForFirstCall() == 0)
}
