package rpcd

import (
	"context"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// call is one call.
//
// States, by what its fields say: waiting (process nil: signals cancel it),
// running (process set: signals reach the group), over (done closed). The
// reading goroutine calls signal, abandon, silent and vanish; serve has a
// goroutine of its own.
type call struct {
	*wire.Call
	conn  *conn
	id    string
	came  time.Time
	free  func() // gives the memory of a big first frame back
	dir   string
	as    *child.Credential // who it runs as; nil: rpcd's own user
	relay *wire.Relay
	done  chan struct{} // closed: nothing of the call runs in this connection any more

	voice sync.Mutex // ACCEPTED doesn't come after STARTED or REFUSED
	told  bool       // one of those is sent

	answered chan struct{} // closed before EXIT or REFUSED is sent: the next first frame may come

	ctx      context.Context // ends when the caller has left, or cancels while it waits
	leave    context.CancelFunc
	bridged  bool
	left     chan struct{} // closed: the caller has left
	leftOnce sync.Once

	heard     chan struct{} // closed: CONTINUED came
	heardOnce sync.Once

	mu       sync.Mutex
	process  process          // nil: not started yet, or over
	pending  []syscall.Signal // came before it
	ending   ending           // how far its end has been brought about
	deadline time.Time        // of the grace, from ended on
	timedOut bool
	timers   []*time.Timer
	beating  bool // heartbeats go both ways
	quiet    bool // the caller is stopped: no heartbeats
}

func newCall(c *conn, m *wire.Call, free func()) *call {
	k := &call{
		Call:  m,
		conn:  c,
		came:  time.Now(),
		free:  free,
		id:    strconv.FormatUint(c.server.lastID.Add(1), 10),
		relay: wire.NewRelay(c.fd.WriteFrame),
		done:  make(chan struct{}),
		left:  make(chan struct{}),
		heard: make(chan struct{}),

		answered: make(chan struct{}),
	}
	k.ctx, k.leave = context.WithCancel(context.Background())
	return k
}

// serve is the life of the call: down to the process, and up with its status.
func (c *call) serve(fds []int, truncated, welcome bool) {
	defer close(c.done)
	defer c.leave()
	s := c.conn.server
	defer s.exit(c)
	defer time.AfterFunc(slowStart, c.soothe).Stop()
	if welcome {
		if name, err := c.run(fds, truncated); err != nil {
			c.refuse(name, err)
		}
	} else {
		closeAll(fds)
		c.refuse("", &wire.Refused{Code: wire.Draining, Text: drains})
	}
	c.free()
	c.conn.fd.SetIdle(0)
	wait := closeWait
	if c.Flags&wire.CallKeep != 0 {
		wait = keepWait
	}
	_ = c.conn.fd.SetDeadline(time.Now().Add(wait))
	s.idle.add(c.conn)
}

// run is everything up to EXIT. It owns fds. Its error is a refusal, and
// nothing has been started then.
func (c *call) run(fds []int, truncated bool) (name string, err error) {
	s := c.conn.server
	looked, err := s.lookups.begin(c.ctx)
	if err != nil {
		closeAll(fds)
		return "", err
	}
	defer looked()
	std, err := newStdio(c, fds, truncated)
	if err != nil {
		return "", err
	}
	defer std.close()
	proc, dirfd, err := c.lookUp()
	if err != nil {
		return "", err
	}
	defer unix.Close(dirfd)
	env, err := s.environ(proc, c)
	if err != nil {
		return proc.Name, err
	}
	run, err := runnerOf(proc)
	if err != nil {
		return proc.Name, err
	}
	looked()
	if err := c.takePlace(proc); err != nil {
		return proc.Name, err
	}
	defer s.places.give(proc.Name)
	if err := std.open(c.as != nil); err != nil {
		return proc.Name, err
	}
	began := time.Now()
	p, err := run.start(child.Spec{
		Path:  proc.Path,
		Argv:  append(append([]string{proc.Path}, proc.Args...), c.Args...),
		Env:   env,
		Dir:   dirfd,
		Umask: int(c.Umask),
		Files: std.files,
		As:    c.as,
		Keep:  proc.Keep || s.Keep,
	})
	if err != nil {
		return proc.Name, startRefusal(proc, c.dir, c.as, err)
	}
	std.started()
	c.supervise(p, proc, std, began)
	return proc.Name, nil
}

// lookUp finds the procedure, and the directory to run in, whose descriptor the
// caller closes.
func (c *call) lookUp() (*export.Procedure, int, error) {
	s := c.conn.server
	if err := s.admit(c.conn.caller); err != nil {
		return nil, -1, err
	}
	proc, err := s.Source.Lookup(c.Procedure, c.conn.caller)
	if err != nil {
		return nil, -1, err
	}
	if c.as, err = s.runAs(c.conn.caller, c.bridged); err != nil {
		return proc, -1, err
	}
	dirfd, dir, err := s.openDir(c.Dir, c.bridged, proc, c.as)
	c.dir = dir
	return proc, dirfd, err
}

// takePlace waits for a place among the running calls.
func (c *call) takePlace(proc *export.Procedure) error {
	s := c.conn.server
	wait := s.QueueWait
	if c.Flags&wire.CallNoWait != 0 {
		wait = 0
	}
	if c.Flags&wire.CallAnnounce != 0 {
		if err := c.announce(); err != nil {
			return err
		}
	}
	err := s.places.take(c.ctx, proc, wait, func(behind string) { c.accepted(wire.AcceptedWaits, behind) })
	if err == nil && c.ctx.Err() != nil { // it left at the very moment
		s.places.give(proc.Name)
		err = c.ctx.Err()
	}
	return err
}

// announce says what will be, and waits until the caller has heard it.
func (c *call) announce() error {
	c.accepted(0, "")
	timer := time.NewTimer(wire.FirstTimeout)
	defer timer.Stop()
	select {
	case <-c.heard:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	case <-timer.C:
		return &wire.Refused{Code: wire.Protocol, Text: "waited in vain for the answer to ACCEPTED"}
	}
}

// proceed says that the caller has heard ACCEPTED, or runs again.
func (c *call) proceed() { c.heardOnce.Do(func() { close(c.heard) }) }

// accepted tells the caller that its call was understood.
func (c *call) accepted(flags uint16, text string) { c.accept(c.news(flags, text)) }

func (c *call) accept(m *wire.Started) {
	c.voice.Lock()
	defer c.voice.Unlock()
	if !c.told {
		c.beat()
		_ = c.conn.fd.WriteFrame(m.Append(wire.TypeAccepted))
	}
}

// tell sends STARTED or REFUSED.
func (c *call) tell(frame []byte) {
	c.voice.Lock()
	defer c.voice.Unlock()
	c.told = true
	_ = c.conn.fd.WriteFrame(frame)
}

// slowStart is after how long a caller without an answer hears that we live: it
// gives up after wire.FirstTimeout, and on a machine that is too busy to start
// what it is asked for it would come again.
const slowStart = wire.FirstTimeout / 4

// soothe does that, unless the caller waits for the ACCEPTED that it asked for.
func (c *call) soothe() {
	if c.Flags&wire.CallAnnounce != 0 {
		return
	}
	m := &wire.Started{ID: c.id, Grace: c.conn.server.Grace}
	if c.isBridged() {
		m.Flags |= wire.StartedBridged
	}
	c.accept(m)
}

func (c *call) news(flags uint16, text string) *wire.Started {
	if c.bridged {
		flags |= wire.StartedBridged
	}
	return &wire.Started{Flags: flags, ID: c.id, Dir: c.dir, Grace: c.conn.server.Grace, Text: text}
}

// supervise sees a started process to its end and reports it.
func (c *call) supervise(p process, proc *export.Procedure, std *stdio, began time.Time) {
	s := c.conn.server
	c.adopt(p, shortest(c.Timeout, proc.Timeout, s.Timeout))
	c.beat()
	c.tell(c.news(0, "").Append(wire.TypeStarted))
	std.relay()
	c.logStart(proc)
	c.Args, c.Env = nil, nil // up to 8 MiB, for as long as it runs
	c.free()

	status, err := p.Wait()
	if err != nil { // somebody else reaped it; cannot happen, and must not look like 0
		status.Wait = uint32(unix.SIGKILL)
		s.Log.Error("lost a child", "call", c.id, "error", err)
	}
	took := time.Since(began)
	deadline, timedOut := c.over()
	exit := &wire.Exit{Status: status.Wait, User: status.User, System: status.System, MaxRSS: status.MaxRSS}
	if timedOut {
		exit.Flags |= wire.ExitTimeout
	}
	if std.finish() {
		exit.Flags |= wire.ExitLeft
	}
	exit.Consumed = std.consumed()
	lost := c.hasLeft()
	close(c.answered)
	if err := c.conn.fd.WriteFrame(exit.Append()); err != nil {
		lost = true
	}
	c.logEnd(proc, exit, took, std, lost)
	s.count(exit, lost)

	if proc.Keep || s.Keep {
		p.Reap()
		return
	}
	s.tail(func() { p.End(deadline, s.dead) })
}

// shortest gives the smallest that isn't 0.
func shortest(limits ...time.Duration) time.Duration {
	var d time.Duration
	for _, l := range limits {
		if l > 0 && (d == 0 || l < d) {
			d = l
		}
	}
	return d
}

// maxPending bounds the signals that are kept for a process that is about to
// start.
const maxPending = 16

// signal sends sig to the group, or cancels a call that still waits.
func (c *call) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil {
		c.process.Signal(sig)
		return
	}
	if len(c.pending) < maxPending {
		c.pending = append(c.pending, sig)
	}
	if sig != unix.SIGCONT && sig != unix.SIGSTOP && sig != unix.SIGWINCH {
		c.leave()
	}
}

// vanish says that the caller is gone.
func (c *call) vanish() {
	c.leftOnce.Do(func() { close(c.left) })
	c.leave()
	c.relay.Abort(os.ErrClosed)
	c.end(termed)
}

// abandon says that the caller leaves and wants no grace.
func (c *call) abandon() {
	c.end(killed)
	c.vanish()
}

func (c *call) hasLeft() bool {
	select {
	case <-c.left:
		return true
	default:
		return false
	}
}

// isAnswered says whether its end is on the way: for the caller it is over.
func (c *call) isAnswered() bool {
	select {
	case <-c.answered:
		return true
	default:
		return false
	}
}

// refuse answers that nothing was started.
func (c *call) refuse(name string, err error) {
	r := refusal(err)
	s := c.conn.server
	s.counters.refused.Add(1)
	close(c.answered)
	c.tell(r.Append())
	if name == "" {
		name = c.Procedure
	}
	s.Log.Info("refused", "call", c.id, "uid", c.conn.caller.UID, "gid", c.conn.caller.GID, "procedure", printable(name), "why", printable(r.Text))
}
