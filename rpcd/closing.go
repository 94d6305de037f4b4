package rpcd

import (
	"sync"
	"time"

	"rpcd/rpcd/run"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

// outputTime is how long, after the grace, a call has for its output and its
// status when something other than its own end has ended it.
const outputTime = 2 * time.Second

// closing is the end of a call whose process has ended. Its phases, in order:
//
//	output     what the procedure wrote goes to the caller, then END
//	status     EXIT goes to the caller
//	leftovers  what is left of the call gets TERM, the grace, KILL
//
// The first two wait for the caller. Bounds see to it that a caller that takes
// nothing keeps nothing: see bound.
type closing struct {
	call      *call
	streams   *stream.Set
	exit      *wire.Exit
	lost      bool   // the caller didn't get it
	leftovers func() // the third phase, once
}

func (c *call) newClosing(process run.Process, p *prepared, s run.Status) *closing {
	deadline, why := c.exited(s.Wait)
	e := &closing{
		call:      c,
		streams:   p.streams,
		exit:      &wire.Exit{Status: s.Wait, User: s.User, System: s.System, MaxRSS: s.MaxRSS, End: why},
		leftovers: sync.OnceFunc(func() { process.Close(deadline, c.leftLogger()) }),
	}
	if s.Crash != "" && why.Reason == "" {
		e.exit.Reason, e.exit.Text = wire.Crashed, s.Crash
	}
	if why.IsTimeout() {
		e.exit.Flags |= wire.ExitTimeout
	}
	return e
}

func (e *closing) run() {
	defer e.bound()()
	e.output()
	e.status()
	e.leftovers()
}

// bound has the phases go on without the caller. The leftovers are ended after
// the grace. A call that a time limit ended doesn't keep its place, either: its
// output is given up outputTime later, and its connection is closed after twice
// that. lift ends the bounds.
func (e *closing) bound() (lift func()) {
	grace := e.call.host.Grace
	timers := []*time.Timer{time.AfterFunc(grace, e.leftovers)}
	if e.exit.Flags&wire.ExitTimeout != 0 {
		timers = append(timers,
			time.AfterFunc(grace+outputTime, e.streams.GiveUp),
			time.AfterFunc(grace+2*outputTime, e.call.fd.HangUp))
	}
	return func() {
		for _, t := range timers {
			t.Stop()
		}
	}
}

func (e *closing) output() {
	if e.streams.Finish() {
		e.exit.Flags |= wire.ExitLeft
	}
	e.exit.Consumed, e.exit.Taken = e.streams.Consumed()
}

func (e *closing) status() {
	e.lost = e.call.here.Err() != nil
	if e.call.Exit(e.exit) != nil {
		e.lost = true
	}
	e.call.become(callOver)
}
