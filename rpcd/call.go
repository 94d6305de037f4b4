package rpcd

import (
	"context"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

// call is one call.
//
// States, by what its fields say: waiting (process nil: signals cancel it),
// running (process set: signals reach the group), ended (its caller has yet to
// take the output and the status), over (done closed). The reading goroutine
// calls signal, abandon, silent and vanish; serve has a goroutine of its own.
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
	process  process // nil: not started yet, or ended
	ended    bool
	pending  []syscall.Signal // came before it
	ending   ending           // how far its end has been brought about
	deadline time.Time        // of the grace, from ended on
	timedOut bool
	timers   []*time.Timer
	beating  bool // heartbeats go both ways
	quiet    bool // the caller is stopped: no heartbeats
	parted   bool // the connection's deadline is that of who has had its answer
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
// It owns files.
func (c *call) serve(files *fdconn.Files, welcome bool) {
	defer close(c.done)
	defer c.leave()
	s := c.conn.server
	defer s.exit(c)
	defer time.AfterFunc(slowStart, c.soothe).Stop()
	var err error = refusedDraining
	if welcome {
		err = s.admit(c.conn.caller)
	}
	if err == nil {
		err = c.run(files)
	}
	files.Close()
	if err != nil {
		c.refuse(err)
	}
	c.forget()
	c.part()
	c.conn.seat.Take()
}

// forget lets go of what may be up to 8 MiB, when nobody needs it any more.
func (c *call) forget() {
	c.Args, c.Env = nil, nil
	c.free()
}

// part bounds how long the connection stays: until the caller has closed it, or
// sends its next first frame.
func (c *call) part() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parted = true
	c.conn.fd.SetIdle(0)
	wait := keepWait
	if c.Flags&wire.CallKeep == 0 {
		wait = closeWait
		c.conn.seat.MarkAnswered()
	}
	_ = c.conn.fd.SetDeadline(time.Now().Add(wait))
}

// run is everything up to EXIT. Once the child has them, it closes files. Its
// error is a refusal, and nothing has been started then.
func (c *call) run(files *fdconn.Files) error {
	s := c.conn.server
	looked, err := s.lookups.Take(c.ctx)
	if err != nil {
		return err
	}
	defer looked()
	std, err := stream.New(stream.Plan{Streams: c.Streams, Files: files, Conn: c.conn.fd, Relay: c.relay, Null: s.null})
	if err != nil {
		return err
	}
	defer std.Close()
	if std.Bridged() {
		c.setBridged()
	}
	proc, dirfd, err := c.lookUp()
	if err != nil {
		return err
	}
	defer unix.Close(dirfd)
	env, err := s.environ(proc, c)
	if err != nil {
		return err
	}
	run, err := runnerOf(proc)
	if err != nil {
		return err
	}
	looked()
	if err := c.takePlace(proc); err != nil {
		return err
	}
	defer s.queue.Give(proc.Name)
	if c.Flags&wire.CallAnnounce != 0 {
		if err := c.announce(); err != nil {
			return err
		}
	}
	if err := std.Open(c.as != nil); err != nil {
		return err
	}
	began := time.Now()
	p, err := run.start(child.Spec{
		Path:  proc.Path,
		Argv:  append(append([]string{proc.Path}, proc.Args...), c.Args...),
		Env:   env,
		Dir:   dirfd,
		Umask: int(c.Umask),
		Files: std.Files(),
		As:    c.as,
		Keep:  proc.Keep || s.Keep,
	})
	if err != nil {
		return startRefusal(proc, c.dir, c.as, err)
	}
	std.Started()
	c.supervise(p, proc, std, began)
	return nil
}

// lookUp finds the procedure, and the directory to run in, whose descriptor the
// caller closes.
func (c *call) lookUp() (*export.Procedure, int, error) {
	s := c.conn.server
	proc, err := s.Source.Lookup(c.Procedure, c.conn.caller)
	if err != nil {
		return nil, -1, err
	}
	if c.as, err = s.runAs(c.conn.caller, c.bridged); err != nil {
		return nil, -1, err
	}
	touch(proc.Path)
	dirfd, dir, err := s.openDir(c.Dir, c.bridged, proc, c.as)
	c.dir = dir
	return proc, dirfd, err
}

// touch reads the beginning of a program, so that one on a file system that
// hangs does so here, and not in its start, which holds up all others.
func touch(path string) {
	if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
		var b [1]byte
		_, _ = unix.Pread(fd, b[:], 0)
		unix.Close(fd)
	}
}

// takePlace waits for a place among the running calls.
func (c *call) takePlace(proc *export.Procedure) error {
	s := c.conn.server
	wait := s.QueueWait
	if c.Flags&wire.CallNoWait != 0 {
		wait = 0
	}
	err := s.queue.Take(c.ctx, proc.Name, proc.MaxCalls, wait, func(behind string) { c.accepted(wire.AcceptedWaits, behind) })
	if err == nil && c.ctx.Err() != nil { // it left at the very moment
		s.queue.Give(proc.Name)
		err = c.ctx.Err()
	}
	return err
}

// supervise sees a started process to its end and reports it.
func (c *call) supervise(p process, proc *export.Procedure, std *stream.Set, began time.Time) {
	s := c.conn.server
	c.adopt(p, shortest(c.Timeout, proc.Timeout, s.Timeout))
	c.beat()
	c.tell(c.news(0, "").Append(wire.TypeStarted))
	std.Relay()
	c.logStart(proc)
	c.forget()

	status, err := p.Wait()
	if err != nil { // somebody else reaped it; cannot happen, and must not look like 0
		status.Wait = uint32(unix.SIGKILL)
		s.Log.Error("lost a child", "call", c.id, "error", err)
	}
	took := time.Since(began)
	deadline, timedOut := c.over()
	rest := sync.OnceFunc(p.Reap)
	if !proc.Keep && !s.Keep {
		rest = sync.OnceFunc(func() { s.tail(func() { p.End(deadline, s.dead) }) })
		defer time.AfterFunc(s.Grace, rest).Stop() // a caller that doesn't read keeps nothing alive
	}
	if timedOut { // nor does it keep its place
		defer time.AfterFunc(s.Grace+lastWords, std.GiveUp).Stop()
		defer time.AfterFunc(s.Grace+2*lastWords, func() { c.conn.fd.Close() }).Stop()
	}
	exit := &wire.Exit{Status: status.Wait, User: status.User, System: status.System, MaxRSS: status.MaxRSS}
	if timedOut {
		exit.Flags |= wire.ExitTimeout
	}
	if std.Finish() {
		exit.Flags |= wire.ExitLeft
	}
	exit.Consumed = std.Consumed()
	lost := c.hasLeft()
	close(c.answered)
	if err := c.conn.fd.WriteFrame(exit.Append()); err != nil {
		lost = true
	}
	c.logEnd(proc, exit, took, std, lost)
	s.count(exit, lost)
	rest()
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
