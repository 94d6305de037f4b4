package rpcd

import (
	"context"
	"os"
	"time"

	"rpcd/rpcd/directory"
	"rpcd/rpcd/lookup"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/runas"
	"rpcd/rpcd/wire"
)

// ping answers PING: how the worker is, and how it sees the caller.
func (c *conn) ping(f *firstFrame) (*answer, error) {
	dir, err := wire.ParsePing(f.payload)
	if err != nil {
		return nil, err
	}
	info := c.server.info()
	info.Way = c.way(dir, f.arrived)
	return &answer{frame: info.Append(wire.TypePong)}, nil
}

// list answers LIST: how the worker is, and what the caller may call.
func (c *conn) list(f *firstFrame) (*answer, error) {
	return c.long(f, func() []byte {
		info := c.server.info()
		info.Procedures, info.Scope = c.procedures()
		return info.Append(wire.TypeListing)
	})
}

// ps answers PS: the calls that the caller may see.
func (c *conn) ps(f *firstFrame) (*answer, error) {
	return c.long(f, func() []byte { return c.server.visibleCalls(c.caller).Append() })
}

// kill answers KILL: the signal was sent.
func (c *conn) kill(f *firstFrame) (*answer, error) {
	m, err := wire.ParseKill(f.payload)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.server.loans.Settle(ctx)
	if err := c.server.kill(c.caller, m); err != nil {
		return nil, err
	}
	return &answer{frame: wire.Frame(wire.TypeSignaled, 0, 0, nil)}, nil
}

// long makes an answer that may be long, or takes many files to look at: a few
// at a time, and in a memory that is bounded until they are taken.
func (c *conn) long(f *firstFrame, make func() []byte) (*answer, error) {
	if _, err := wire.CheckFirst(f.payload); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	memory, err := c.server.answers.Take(ctx, c.caller.UID, wire.MaxList)
	if err != nil {
		return nil, refusal.TooManyQuestions
	}
	give, err := c.server.lists.Take(ctx, c.caller.UID)
	if err != nil {
		memory.Give()
		return nil, refusal.TooManyQuestions
	}
	c.server.loans.Settle(ctx) // what is asked for may be among them
	a := &answer{frame: make(), taken: memory.Give}
	give()
	if len(a.frame) <= smallFrame {
		memory.Give()
	}
	return a, nil
}

// info describes the worker.
func (s *Server) info() *wire.Info {
	m := &wire.Info{
		Worker:   s.Name,
		Version:  s.Version,
		State:    wire.Up,
		Load:     s.Load(),
		Counters: s.counters.Sums(time.Since(s.began)),
	}
	if s.isDraining() {
		m.State = wire.Drains
	}
	return m
}

// Load gives how many calls run and wait now, and how many may.
func (s *Server) Load() wire.Load {
	l := s.queue.Load()
	return wire.Load{Running: uint32(l.Running), Waiting: uint32(l.Waiting), MaxCalls: uint32(l.MaxRunning), MaxQueue: uint32(l.MaxWaiting), CPUs: uint32(l.CPUs)}
}

// procedures lists what the caller may call.
func (c *conn) procedures() (entries []wire.Entry, scope wire.Scope) {
	if c.denied != nil {
		return nil, wire.Listed
	}
	list, _ := c.server.Source.List(c.caller)
	for _, p := range list {
		entry := c.server.residents.Entry(p)
		if p.Topic != nil {
			entry.Topic = c.server.topics.State(p.Name, lookup.PolicyOf(p.Topic)).Use()
		}
		entries = append(entries, entry)
		if p.AnyCommand() {
			scope = wire.Commands
		}
	}
	return entries, scope
}

// way is what the caller's way looks like from here. A caller that may not call
// learns nothing of our directories.
func (c *conn) way(d wire.Dir, arrived int) *wire.Way {
	w := &wire.Way{
		UID: c.caller.UID, GID: c.caller.GID,
		OwnUID: uint32(os.Geteuid()), OwnGID: uint32(os.Getegid()),
		Descriptors: uint32(arrived),
	}
	if c.denied != nil {
		return w
	}
	as, err := runas.User(c.server.RunAs, c.caller, arrived == 0)
	if err != nil {
		return w
	}
	if as != nil {
		w.OwnUID, w.OwnGID = as.UID, as.GID
	}
	ctx, cancel := context.WithTimeout(context.Background(), wire.FirstTimeout)
	defer cancel()
	give, err := c.server.lookups.Take(ctx, c.caller.UID)
	if err != nil {
		return w
	}
	defer give()
	where := directory.Choice{Caller: d, Bridged: arrived == 0, Workdirs: []string{c.server.Workdir}, As: as}
	w.Dir, w.Inside = where.Look()
	return w
}
