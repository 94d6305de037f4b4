package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/run"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// Start has a worker begin a call.
func (p *pool) Start(ctx context.Context, j run.Job) (run.Process, error) {
	m, fds, err := message(j)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(j.Wait); ; {
		w, err := p.take(ctx, min(j.Wait, time.Until(deadline)), j.Waits)
		if err != nil {
			return nil, err
		}
		c := &call{worker: w, id: idOf(j.Env), Caller: talk.NewCaller(w.conn, m)}
		switch err := c.begin(ctx, fds); {
		case err == nil:
			m.Args, m.Env, m.Streams = nil, nil, nil // the call may last
			return c, nil
		case errors.Is(err, errUnbegun): // the worker is lost, and nothing was started
			continue
		default:
			return nil, err
		}
	}
}

// Leftovers is 0: what a call of a worker's leaves ends with the worker.
func (p *pool) Leftovers() int { return 0 }

// Close does nothing: see Pools.Close.
func (p *pool) Close() {}

// message makes the CALL of a job, and lists the descriptors that ride on it.
func message(j run.Job) (*wire.Call, []int, error) {
	if j.As != nil {
		return nil, nil, &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("cannot run %q as you (--run-as caller): a resident worker serves all callers as one user", j.Argv[0])}
	}
	if j.Terminal {
		return nil, nil, &wire.Refused{Code: wire.Failed, Text: fmt.Sprintf("cannot run %q in a terminal: a resident worker has none (call it without -t)", j.Argv[0])}
	}
	m := &wire.Call{Flags: wire.CallKeep, Procedure: j.Argv[0], Args: j.Argv[1:], Env: j.Env, Umask: uint32(j.Umask)}
	var fds []int
	for number, fd := range j.Files {
		if fd < 0 {
			continue
		}
		st := wire.Stream{Number: uint8(number), Mode: wire.Passed, Index: uint8(len(fds))}
		if number == 1 || number == 2 {
			st.Flags = wire.StreamOutput
		}
		m.Streams, fds = append(m.Streams, st), append(fds, fd)
	}
	if len(m.Args)+len(m.Env) > wire.MaxWords { // with what rpcd has added
		return nil, nil, &wire.Refused{Code: wire.TooLong, Text: fmt.Sprintf("cannot run %q: too many arguments and variables for a resident worker (at most %d)", m.Procedure, wire.MaxWords)}
	}
	if size(m) > longest {
		return nil, nil, &wire.Refused{Code: wire.TooLong, Text: fmt.Sprintf("cannot run %q: its arguments and variables are too long for a resident worker (over %d MiB)", m.Procedure, longest>>20)}
	}
	if len(fds) >= wire.MaxDescriptors {
		return nil, nil, &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("can't pass more than %d descriptors to a resident worker", wire.MaxDescriptors-1)}
	}
	m.Streams = append(m.Streams, wire.Stream{Mode: wire.Directory, Index: uint8(len(fds))})
	return m, append(fds, j.Dir), nil
}

// longest is how many bytes of arguments and variables a CALL may hold, of 8 MiB in
// all (PROTOCOL.md, section 2).
const longest = 7 << 20

// size is how many bytes arguments and variables take in a CALL.
func size(m *wire.Call) (n int) {
	for _, list := range [][]string{m.Args, m.Env} {
		for _, s := range list {
			n += len(s) + 6 // its tag and length
		}
	}
	return n
}

// errUnbegun says that a worker was lost before it began the call.
var errUnbegun = errors.New("the worker didn't begin")

// call is a call on a worker. It implements run.Process: Signal and SignalAll are
// called by any goroutine, the rest by the call's own.
type call struct {
	*talk.Caller
	worker *worker
	id     string

	// Under worker.mu.
	stopped bool // STOP was sent, and no CONT since
	told    bool // a signal was sent that ends it
	killed  bool // KILL was sent

	broken error // why it can't go on; set by begin
	oom    bool  // after Wait

	// Of a call that began in a loan:
	returned    *wire.Sums // nil: it didn't
	number      uint64     // of the call in it
	hasReturned bool       // RETURNED has come
	adopted     time.Time  // when RECALL had been sent; set before others know the call
}

var _ run.Process = (*call)(nil)

// begin sends the call and takes STARTED. Without an error the call has begun,
// though its worker may be lost by now: Wait tells. The error is errUnbegun, a
// *wire.Refused of a worker that is free again, or ctx's, where a lost worker doesn't
// end: it may hang in the kernel.
func (c *call) begin(ctx context.Context, fds []int) error {
	w := c.worker
	w.uses++
	w.mu.Lock()
	w.call = c
	w.mu.Unlock()
	c.SetPatience(w.pool.set.Times.First)
	err := c.Send(fds)
	sent := err == nil
	if sent {
		err = c.answer()
	}
	var refused *wire.Refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ID == c.id:
		c.over()
		c.Over(err, true)
		w.pool.release(w)
		return refused
	}
	w.breakOff(c.explain(err))
	select {
	case <-w.died:
	case <-ctx.Done():
		c.over()
		c.Over(err, false)
		return ctx.Err()
	}
	w.conn.ExpectWithin(w.pool.set.Times.First)
	if sent && c.hasBegun(err) {
		c.broken = w.why()
		return nil
	}
	c.over()
	c.Over(err, false)
	return errUnbegun
}

// answer takes STARTED.
func (c *call) answer() error {
	t, m, err := c.Answer()
	switch {
	case err != nil:
		return err
	case t != wire.TypeStarted:
		return fmt.Errorf("%w: a %v frame to a call", wire.ErrProtocol, t)
	case m.ID != c.id:
		return fmt.Errorf("%w: STARTED of call %.20q, not %s", wire.ErrProtocol, m.ID, c.id)
	}
	return nil
}

// hasBegun says whether a lost worker may have begun the call, after err: not if it
// sent nothing any more.
func (c *call) hasBegun(err error) bool {
	for {
		switch {
		case errors.Is(err, io.EOF), talk.Gone(err):
			return false
		case errors.Is(err, os.ErrDeadlineExceeded): // what came since?
		default:
			return true
		}
		_, _, err = c.Answer()
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
	}
}

// explain says what is wrong with a worker, of which a read or write gave err.
func (c *call) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	case errors.Is(err, wire.ErrProtocol):
		return err
	}
	var refused *wire.Refused
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: REFUSED without the call's id", wire.ErrProtocol)
	}
	if ended := c.worker.endedBySelf(); ended != "" {
		return errors.New("it ended " + ended)
	}
	return errClosed
}

// PID is the worker's.
func (c *call) PID() int { return c.worker.pid() }

// Signal sends STOP, CONT and KILL to the worker's process group, and tells the
// worker of the others.
func (c *call) Signal(sig syscall.Signal) {
	w := c.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.call != c {
		return
	}
	switch sig {
	case unix.SIGKILL:
		c.told, c.killed = true, true
		w.child.Signal(sig)
		return
	case unix.SIGSTOP, unix.SIGCONT:
		c.stopped = sig == unix.SIGSTOP
		w.child.Signal(sig)
		return
	case unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT:
		c.told = true
	}
	if wait := time.Until(c.adopted.Add(afterRecall)); wait > 0 {
		time.AfterFunc(wait, func() { c.Signal(sig) })
		return
	}
	w.fd.TrySend(wire.Signal(uint8(sig), 0)) // one that reads nothing gets KILL in the end
}

// afterRecall is how long after its RECALL a worker gets the first SIGNAL. Python looks for
// signals (SIGIO) before it waits, and not once more: one that comes right behind another
// may wait with it.
const afterRecall = 20 * time.Millisecond

// SignalAll is Signal for each.
func (c *call) SignalAll(signals ...syscall.Signal) {
	for _, sig := range signals {
		c.Signal(sig)
	}
}

// over says that the call is none of the worker's any more.
func (c *call) over() {
	w := c.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.call = nil; w.ended {
		w.fd.Close()
		w.notes.close()
	}
	if c.stopped { // as the call ended
		w.child.Signal(unix.SIGCONT)
	}
}

// Wait waits for EXIT. The worker is free then, or lost: the status tells.
func (c *call) Wait() (run.Status, error) {
	exit, err := (*wire.Exit)(nil), c.broken
	if err == nil {
		err = c.takeReturned()
	}
	if err == nil {
		exit, err = c.Follow()
	}
	if err == nil && exit.ID != c.id {
		err = fmt.Errorf("%w: EXIT of call %.20q, not %s", wire.ErrProtocol, exit.ID, c.id)
	}
	if err != nil {
		return c.lost(err), nil
	}
	c.over()
	c.Over(nil, true)
	c.worker.pool.release(c.worker)
	return run.Status{Wait: exit.Status, User: exit.User, System: exit.System, MaxRSS: exit.MaxRSS}, nil
}

// takeReturned takes RETURNED, which comes before the EXIT of a call that began in a
// loan.
func (c *call) takeReturned() error {
	if c.returned == nil || c.hasReturned {
		return nil
	}
	h, err := c.Next()
	if err != nil {
		return err
	}
	payload, err := wire.ReadPayload(c.worker.conn, h)
	if err != nil {
		return err
	}
	m, err := takeReturned(h, payload, c.number)
	if err == nil && m.Held == 0 {
		err = errNotes
	}
	if err == nil {
		*c.returned = m.Sums
		c.worker.uses += int(m.Sums.Served)
	}
	return err
}

// lost ends the worker of a call that can't go on, and gives the call's status: the
// process's where that was told to end, or the kernel wanted its memory.
func (c *call) lost(err error) run.Status {
	w := c.worker
	if c.broken == nil {
		ended := c.explain(err) // before it is killed
		select {
		case <-w.died:
		default:
			w.breakOff(ended)
		}
	}
	<-w.died
	w.mu.Lock()
	told := c.told
	w.mu.Unlock()
	c.over()
	c.Over(err, false)
	c.oom = w.oom
	status := run.Status{Wait: uint32(w.end)}
	if !c.oom && !(told && w.end != 0) {
		status = run.Status{Wait: wire.CrashStatus, Crash: fmt.Sprintf("lost its resident worker in the middle of the call: %v", w.why())}
	}
	return status
}

// OutOfMemory is that of the worker, if it was lost.
func (c *call) OutOfMemory() bool { return c.oom }

// Stops is nil: a resident worker has no terminal.
func (c *call) Stops() <-chan struct{} { return nil }

// Close does nothing: what the call left ends with the worker.
func (c *call) Close(time.Time, func(child.Left)) {}
