package rpcd

import (
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/wire"
)

// visibleCalls lists the calls that a caller may see, eldest first.
func (s *Server) visibleCalls(c export.Caller) *wire.Calls {
	visible := slices.DeleteFunc(s.allCalls(), func(k *call) bool {
		return k.HasEnded() || !c.MayTouch(uint32(os.Geteuid()), k.caller.UID)
	})
	slices.SortFunc(visible, func(a, b *call) int { return a.came.Compare(b.came) })
	m := &wire.Calls{Worker: s.Name}
	for _, k := range visible {
		m.Calls = append(m.Calls, k.describe())
	}
	return m
}

// describe gives the call as PS shows it.
func (c *call) describe() wire.Running {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := wire.Running{
		ID: c.id.String(), Procedure: c.Procedure, Label: c.Label,
		UID: c.caller.UID, GID: c.caller.GID,
		Age: time.Since(c.came), Bridged: c.IsBridged(),
		State: wire.CallWaiting, Args: c.argv,
	}
	if c.state == callRunning {
		r.PID, r.State = uint32(c.process.PID()), wire.CallRunning
	}
	switch {
	case c.ending > notEnded, c.state > callRunning:
		r.State = wire.CallEnding
	case c.state == callRunning && c.stopped:
		r.State = wire.CallStopped
	}
	return r
}

// kill signals a call of the caller's, or cancels it while it waits.
func (s *Server) kill(c export.Caller, m *wire.Kill) error {
	all := s.allCalls()
	i := slices.IndexFunc(all, func(k *call) bool { return k.number().String() == m.ID && !k.HasEnded() })
	if i < 0 {
		return refusal.NoSuchCall(m.ID)
	}
	k := all[i]
	if !c.MayTouch(uint32(os.Geteuid()), k.caller.UID) {
		return refusal.AnothersCall(m.ID, k.caller.UID, c)
	}
	sig := unix.Signal(m.Signal)
	s.Log.Info("signal", "call", k.number(), "by_uid", c.UID, "signal", unix.SignalName(sig))
	k.cause.Kill(sig, c.UID, time.Now())
	k.signal(sig)
	if sig == unix.SIGKILL {
		k.cut()
	}
	return nil
}

func (s *Server) allCalls() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.calls))
}
