package rpcd

import (
	"runtime"
	"time"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// Load gives how many calls run and wait now, and how many may.
func (s *Server) Load() wire.Load {
	l := s.queue.Load()
	return wire.Load{
		Running: uint32(l.Running), Waiting: uint32(l.Waiting),
		MaxCalls: uint32(l.MaxRunning), MaxQueue: uint32(l.MaxWaiting),
	}
}

// info describes the worker; with a caller also what that one may call.
func (s *Server) info(c *export.Caller) *wire.Info {
	m := &wire.Info{
		Worker:  s.Name,
		Version: s.Version,
		State:   "up",
		Load:    s.Load(),
		Counters: wire.Counters{
			Calls:    s.counters.calls.Load(),
			Refused:  s.counters.refused.Load(),
			Lost:     s.counters.lost.Load(),
			TimedOut: s.counters.timedOut.Load(),
			Signaled: s.counters.signaled.Load(),
			Up:       time.Since(s.started),
		},
		Goroutines: uint32(runtime.NumGoroutine()),
	}
	if s.isDraining() {
		m.State = "draining"
	}
	if c == nil || !s.Allow.Admit(*c) {
		return m
	}
	procedures, _ := s.Source.List(*c)
	for _, p := range procedures {
		kind := uint8(0)
		switch {
		case p.Topic:
			kind = 2
		case p.Workers > 0:
			kind = 1
		}
		m.Procedures = append(m.Procedures, wire.Entry{Kind: kind, Name: p.Name, Summary: p.Summary})
	}
	return m
}
