package rpcd

import (
	"encoding/json"
	"time"

	"rpcd/internal/printable"
	"rpcd/rpcd/cause"
	"rpcd/rpcd/export"
	"rpcd/rpcd/journal"
	"rpcd/rpcd/lend"
	"rpcd/rpcd/run"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// shortLimit is a time limit under which nothing is lent: a loan's end is the first look at it.
const shortLimit = time.Second

// limit is the end of the call when its time limit has run out.
func (c *call) limit(p *prepared) wire.End {
	return cause.Limit(c.Timeout, p.Procedure.Timeout, c.host.Timeout)
}

// lend lends the connection with the job of its first call, if that may be. nil: it didn't come to that. Without a
// process in the result the call is over, and so are those that followed it.
func (c *call) lend(p *prepared, job run.Job) *run.Returned {
	lender, ok := p.Runner.(run.Lender)
	due := c.limit(p).Limit
	if !ok || c.lendable == nil || c.IsBridged() || !lend.Fits(c.Call) || due > 0 && due < shortLimit ||
		p.Procedure.LogArgs || c.host.Log.IsDebug() || c.host.queue.Load().Waiting > 0 {
		return nil
	}
	started, early := c.news(0, ""), c.early.Stop() // the worker alone speaks to the caller now
	r, resume := c.host.loans.Lend(c.ctx, lend.Order{
		Runner: lender, Job: job, Conn: c.fd, Talk: c.conn, Gate: c.gate, Frame: c.lendable, Started: started.Rest(),
		Reserve: func(n uint64) uint64 { return c.host.lastID.Add(n) - n + 1 },
	})
	switch {
	case r == nil:
		if early {
			c.early.Reset(time.Until(c.came.Add(talk.SlowStart)))
		}
		return nil
	case r.Process != nil:
		c.continues(r)
		c.resume = resume
		return r
	}
	defer resume()
	if r.Broken {
		c.fd.HangUp()
	}
	c.become(callOver)
	c.Served()
	c.countLent(p.Procedure, r)
	return r
}

// number is the call's id, for other goroutines: it may change at the end of a loan.
func (c *call) number() json.Number {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// continues makes this call the one of a loan that goes on.
func (c *call) continues(r *run.Returned) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.ID != "" {
		c.id = json.Number(r.ID)
	}
	c.came, c.Args, c.argv = r.Began, r.Args, wire.FirstArgs(r.Args)
}

// countLent counts and logs the calls that a worker has served on a connection.
func (c *call) countLent(p *export.Procedure, r *run.Returned) {
	if r.Sums == nil || r.Sums.Served == 0 {
		return
	}
	s := r.Sums
	c.host.counters.AddServed(s)
	c.host.Log.Info("served on a lent connection", "last_call", json.Number(r.ID), "uid", c.caller.UID, "procedure", printable.Escaped(p.Name),
		"calls", s.Served, "status", 0, "lost", s.Lost, "user", journal.Seconds(s.User), "system", journal.Seconds(s.System))
}
