package rpcd

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// answer gives the answer to a first frame that isn't a CALL, or a refusal.
// arrived is how many descriptors came with it.
func (c *conn) answer(t wire.Type, payload []byte, arrived int) ([]byte, error) {
	s := c.server
	switch t {
	case wire.TypePing:
		dir, err := wire.ParsePing(payload)
		if err != nil {
			return nil, err
		}
		info := s.info(nil)
		info.Way = c.way(dir, arrived)
		return info.Append(wire.TypePong), nil
	case wire.TypeKill:
		m, err := wire.ParseKill(payload)
		if err != nil {
			return nil, err
		}
		if err := s.kill(c.caller, m); err != nil {
			return nil, err
		}
		return wire.Frame(wire.TypeSignaled, 0, 0, nil), nil
	}
	if _, err := wire.CheckFirst(payload); err != nil {
		return nil, err
	}
	switch t {
	case wire.TypeList:
		return s.info(&c.caller).Append(wire.TypeListing), nil
	case wire.TypePS:
		return s.ps(c.caller).Append(), nil
	}
	return nil, &wire.Refused{Code: wire.Protocol, Text: "doesn't know this kind of question (is it an older rpcd?)"}
}

// way is what the caller's way looks like from here. Who may not call learns
// nothing of our directories.
func (c *conn) way(d wire.Dir, arrived int) *wire.Way {
	w := &wire.Way{
		UID: c.caller.UID, GID: c.caller.GID,
		OwnUID: uint32(os.Geteuid()), OwnGID: uint32(os.Getegid()),
		Descriptors: uint32(arrived),
	}
	if c.server.admit(c.caller) != nil {
		return w
	}
	ctx, cancel := context.WithTimeout(context.Background(), wire.FirstTimeout)
	defer cancel()
	as, err := c.server.runAs(c.caller, arrived == 0)
	if err != nil {
		return w
	}
	if as != nil {
		w.OwnUID, w.OwnGID = as.UID, as.GID
	}
	if looked, err := c.server.lookups.begin(ctx); err == nil {
		w.Dir = sameness(d, as)
		if w.Dir > wire.DirSame && d.Proven && c.server.Workdir != "" {
			w.Dir = wire.DirWorkdir
		}
		looked()
	}
	return w
}

// owns says whether a caller sees and signals a call: root and our own user
// all, others those of their uid, if that is one.
func owns(c export.Caller, k *call) bool {
	switch c.UID {
	case 0, uint32(os.Geteuid()):
		return true
	case export.Overflow:
		return false
	}
	return c.UID == k.conn.caller.UID
}

// ps lists the calls that a caller may see, eldest first.
func (s *Server) ps(c export.Caller) *wire.Calls {
	s.mu.Lock()
	calls := slices.Collect(maps.Keys(s.calls))
	s.mu.Unlock()
	calls = slices.DeleteFunc(calls, func(k *call) bool { return k.isAnswered() || !owns(c, k) })
	slices.SortFunc(calls, func(a, b *call) int { return a.came.Compare(b.came) })
	m := &wire.Calls{Worker: s.Name}
	for _, k := range calls {
		m.Calls = append(m.Calls, k.running())
	}
	return m
}

// running describes the call to ps.
func (c *call) running() wire.Running {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := wire.Running{
		ID: c.id, Procedure: c.Procedure, Label: c.Label,
		UID: c.conn.caller.UID, GID: c.conn.caller.GID,
		Age: time.Since(c.came), Bridged: c.bridged,
	}
	if c.process != nil {
		r.PID, r.State = uint32(c.process.Number()), wire.CallRunning
	}
	switch {
	case c.ending > untouched:
		r.State = wire.CallEnding
	case c.process != nil && c.quiet:
		r.State = wire.CallStopped
	}
	return r
}

// kill signals a call of the caller's, or cancels it while it waits.
func (s *Server) kill(c export.Caller, m *wire.Kill) error {
	s.mu.Lock()
	var found *call
	for k := range s.calls {
		if k.id == m.ID && !k.isAnswered() {
			found = k
		}
	}
	s.mu.Unlock()
	switch {
	case found == nil:
		return &wire.Refused{Code: wire.Unknown, Text: fmt.Sprintf("has no call %q (rpc ps shows yours)", printable(m.ID))}
	case !owns(c, found):
		return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("won't signal call %s: it belongs to uid %d, you are uid %d", found.id, found.conn.caller.UID, c.UID)}
	}
	sig := unix.Signal(m.Signal)
	s.Log.Info("signal", "call", found.id, "by_uid", c.UID, "signal", unix.SignalName(sig))
	found.signal(sig)
	return nil
}
