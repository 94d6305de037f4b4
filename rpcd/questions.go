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
// arrived is how many descriptors came with it; taken is to be called when the
// answer is sent.
func (c *conn) answer(t wire.Type, payload []byte, arrived int) (answer []byte, taken func(), err error) {
	s := c.server
	switch t {
	case wire.TypePing:
		dir, err := wire.ParsePing(payload)
		if err != nil {
			return nil, nil, err
		}
		info := s.info(nil)
		info.Way = c.way(dir, arrived)
		return info.Append(wire.TypePong), func() {}, nil
	case wire.TypeKill:
		m, err := wire.ParseKill(payload)
		if err != nil {
			return nil, nil, err
		}
		if err := s.kill(c.caller, m); err != nil {
			return nil, nil, err
		}
		return wire.Frame(wire.TypeSignaled, 0, 0, nil), func() {}, nil
	}
	if _, err := wire.CheckFirst(payload); err != nil {
		return nil, nil, err
	}
	switch t {
	case wire.TypeList:
		return c.long(func() []byte { return s.info(&c.caller).Append(wire.TypeListing) })
	case wire.TypePS:
		return c.long(func() []byte { return s.ps(c.caller).Append() })
	}
	return nil, nil, &wire.Refused{Code: wire.Protocol, Text: "doesn't know this kind of question (is it an older rpcd?)"}
}

// longest is how long a LISTING or CALLS may be, in bytes (PROTOCOL.md, section 2).
const longest = 4 << 20

// long makes an answer that may be long, or takes many files to look at: a few
// at a time, and in a memory that is bounded until they are taken.
func (c *conn) long(make func() []byte) (answer []byte, taken func(), err error) {
	s := c.server
	ctx, cancel := context.WithTimeout(context.Background(), wire.FirstTimeout/2)
	defer cancel()
	free, err := s.answers.Take(ctx, c.caller.UID, longest)
	if err == nil {
		var looked func()
		if looked, err = s.lists.Take(ctx); err == nil {
			answer = make()
			looked()
		} else {
			free()
		}
	}
	if err != nil {
		return nil, nil, refusedList
	}
	if len(answer) <= smallFrame {
		free()
	}
	return answer, free, nil
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
	if looked, err := c.server.lookups.Take(ctx); err == nil {
		w.Dir = sameness(d, as)
		if w.Dir > wire.DirSame && d.Proven && c.server.Workdir != "" {
			w.Dir = wire.DirWorkdir
		}
		looked()
	}
	return w
}

// owns says whether a caller sees and signals a call: root and our own user,
// self, all, others those of their uid, if that is one.
func owns(c export.Caller, self uint32, k *call) bool {
	switch c.UID {
	case 0:
		return true
	case export.Overflow: // also where it is our own number
		return false
	case self:
		return true
	}
	return c.UID == k.conn.caller.UID
}

// ps lists the calls that a caller may see, eldest first.
func (s *Server) ps(c export.Caller) *wire.Calls {
	s.mu.Lock()
	calls := slices.Collect(maps.Keys(s.calls))
	s.mu.Unlock()
	calls = slices.DeleteFunc(calls, func(k *call) bool { return k.isAnswered() || !owns(c, uint32(os.Geteuid()), k) })
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
		r.PID, r.State = uint32(c.process.PID()), wire.CallRunning
	}
	switch {
	case c.ending > untouched, c.ended:
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
	case !owns(c, uint32(os.Geteuid()), found):
		return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("won't signal call %s: it belongs to uid %d, you are uid %d", found.id, found.conn.caller.UID, c.UID)}
	}
	sig := unix.Signal(m.Signal)
	s.Log.Info("signal", "call", found.id, "by_uid", c.UID, "signal", unix.SignalName(sig))
	found.signal(sig)
	if sig == unix.SIGKILL {
		found.cut()
	}
	return nil
}
