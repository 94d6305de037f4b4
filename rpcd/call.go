package rpcd

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/cause"
	"rpcd/rpcd/child"
	"rpcd/rpcd/directory"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/journal"
	"rpcd/rpcd/lend"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/lookup"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/run"
	"rpcd/rpcd/runas"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// host is what a call needs of the daemon around it.
type host struct {
	Config
	queue    *limit.Queue // for a place among the calls that run
	lookups  *limit.Slots // for looking at files on a caller's behalf
	runners  *run.Runners
	null     int // descriptor of /dev/null, for streams that are closed
	lastID   atomic.Uint64
	counters journal.Counters
	repeats  journal.Repeats // of refusals in the log
	loans    lend.Book
}

// call is one call. Its states are those of callState. serve has a goroutine of
// its own; the connection's calls frame and vanish, other callers' verbs signal
// and cut.
type call struct {
	*talk.Callee
	host     *host
	conn     *talk.Conn
	caller   export.Caller
	fd       *fdconn.Conn // below conn, for streams that are spliced
	id       json.Number  // decimal
	came     time.Time
	argv     []string          // its first arguments, for PS
	memory   *limit.Loan       // of a long first frame
	lendable []byte            // the first frame, whole, of a call that may be lent; nil: it may not
	gate     *lend.Gate        // of the connection's reader
	resume   func()            // has that read again, after a loan; nil: it reads
	early    *time.Timer       // says ACCEPTED
	dir      string            // where it runs
	as       *child.Credential // the user that it runs as; nil: rpcd's own

	here     context.Context // ends when the caller has left, or all is over
	leave    context.CancelFunc
	ctx      context.Context // ends with here, or when a call is cancelled that isn't known to run
	cancel   context.CancelFunc
	cause    cause.Record  // of the call's end
	finished chan struct{} // closed: nothing of the call runs in this connection any more

	mu       sync.Mutex
	state    callState
	process  run.Process      // while the state is running
	pending  []syscall.Signal // for a process that is about to start
	ending   ending           // how far the process's end has been brought about
	deadline time.Time        // of the grace, once ending has begun
	stopped  bool             // by its caller
	timers   []*time.Timer
}

func newCall(h *host, c *conn, m *wire.Call, memory *limit.Loan) *call {
	k := &call{
		Callee:   talk.NewCallee(c.talk, m),
		host:     h,
		conn:     c.talk,
		fd:       c.fd,
		gate:     &c.gate,
		caller:   c.caller,
		id:       json.Number(strconv.FormatUint(h.lastID.Add(1), 10)),
		came:     time.Now(),
		argv:     wire.FirstArgs(m.Args),
		memory:   memory,
		finished: make(chan struct{}),
	}
	k.here, k.leave = context.WithCancel(context.Background())
	k.ctx, k.cancel = context.WithCancel(k.here)
	return k
}

// serve is the life of the call: down to its process, and up with its status.
// With a refusal nothing is started. It owns files.
func (c *call) serve(files *fdconn.Files, refusal error) {
	defer c.leave()
	c.early = time.AfterFunc(talk.SlowStart, func() {
		c.AcceptEarly(wire.Started{ID: c.number().String(), Grace: c.host.Grace})
	})
	defer c.early.Stop()
	if refusal == nil {
		refusal = c.run(files)
	}
	files.Close()
	if refusal != nil {
		c.refuse(refusal)
	}
	c.forget()
}

// forget lets go of arguments and variables, up to 8 MiB, when nobody needs them
// any more.
func (c *call) forget() {
	c.Args, c.Env = nil, nil
	c.memory.Give()
}

// forgetAll lets go of all texts of a call that is over. Its connection may stay.
func (c *call) forgetAll() {
	c.mu.Lock() // for describe
	defer c.mu.Unlock()
	c.Procedure, c.Label, c.Dir, c.Logical, c.Streams = "", "", wire.Dir{}, "", nil
	c.argv, c.dir, c.pending, c.timers, c.lendable = nil, "", nil, nil, nil
}

// refuse answers that nothing was started.
func (c *call) refuse(err error) {
	c.become(callOver)
	r := refusal.Of(err)
	if r.Code == wire.Canceled && c.cause.Begun() == wire.Drain {
		r = refusal.Draining
	}
	if by, ok := c.cause.Canceler(); ok && r.Code == wire.Canceled {
		r = refusal.Killed(by)
	}
	c.host.counters.Refused.Add(1)
	c.Refuse(r)
	c.logRefusal(r)
}

// run is everything up to EXIT. Its error is a refusal: nothing was started
// then.
func (c *call) run(files *fdconn.Files) error {
	p, err := c.prepare(files)
	if err != nil {
		return err
	}
	defer p.close()
	if err := c.takePlace(p.Procedure); err != nil {
		return err
	}
	defer c.host.queue.Give(p.Procedure.Name)
	if err := c.Announce(c.ctx, c.news(0, "")); err != nil {
		return err
	}
	if err := p.streams.Open(c.as.Owner()); err != nil {
		return err
	}
	began := time.Now()
	job := c.job(p)
	r := c.lend(p, job)
	if r != nil && r.Process == nil {
		return nil
	}
	if r == nil {
		r = &run.Returned{Began: began}
		err := c.host.loans.Insist(c.ctx, func() (err error) { r.Process, err = p.Runner.Start(c.ctx, job); return err })
		if err != nil {
			return refusal.Start(p.Procedure, c.dir, c.as, err)
		}
	}
	c.supervise(r.Process, p, r.Began)
	c.countLent(p.Procedure, r)
	return nil
}

// prepared is what a call needs to start.
type prepared struct {
	*lookup.Found
	streams *stream.Set
	env     []string
}

func (p *prepared) close() {
	p.streams.Close()
	if p.Found != nil {
		p.Place.Close()
	}
}

// prepare looks up everything that the call needs.
func (c *call) prepare(files *fdconn.Files) (_ *prepared, err error) {
	p := &prepared{}
	if p.streams, err = stream.New(stream.Plan{Streams: c.Streams, Terminal: c.Terminal, Files: files, Conn: c.fd, Relay: c.Relay, Null: c.host.null}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	host, caller, bridged := c.host, c.caller, p.streams.Bridged()
	if bridged {
		c.SetBridged()
	}
	p.Found, err = lookup.Lookup{
		Source: host.Source, Slots: host.lookups, Runners: host.runners, Caller: caller, Procedure: c.Procedure,
		Place: directory.Choice{Caller: c.Dir, Logical: c.Logical, Bridged: bridged, Workdirs: []string{host.Workdir}},
		As:    func() (*child.Credential, error) { return runas.User(host.RunAs, caller, bridged) },
	}.Run(c.ctx)
	if err != nil {
		return nil, err
	}
	c.dir, c.as = p.Place.Name, p.As
	if p.env, err = c.environ(p.Procedure, p.Place.PWD); err != nil {
		return nil, err
	}
	return p, nil
}

// environ gives the process's environment, or an error for a variable that isn't
// admitted.
func (c *call) environ(p *export.Procedure, pwd string) ([]string, error) {
	call := &export.Call{
		ID: c.id.String(), Worker: c.host.Name, Label: c.Label,
		Caller: c.caller, PWD: pwd, Env: c.Env,
	}
	if c.Terminal != nil {
		call.Terminal, call.Type = true, c.Terminal.Type
	}
	return p.Environ(os.Environ(), call)
}

// job is what the runner gets to start.
func (c *call) job(p *prepared) run.Job {
	return run.Job{
		Path:  p.Procedure.Path,
		Argv:  append(append([]string{c.Procedure}, p.Procedure.Args...), c.Args...),
		Env:   p.env,
		Dir:   p.Place.FD,
		Umask: int(c.Umask),
		Files: p.streams.Files(),
		As:    c.as, Caller: c.caller.UID,
		Terminal: c.Terminal != nil,
		Wait:     c.mayWait(),
		Waits:    c.waits,
	}
}

// mayWait is how long the call may wait for a place, and for a resident worker.
func (c *call) mayWait() time.Duration {
	if c.Flags&wire.CallNoWait != 0 {
		return 0
	}
	return c.host.QueueWait
}

// waits tells the caller what the call waits for.
func (c *call) waits(behind string) {
	c.host.loans.Recall()
	news := c.news(wire.AcceptedWaits, behind)
	news.Wait = c.mayWait()
	c.Accept(news)
}

// takePlace waits for a place among the running calls.
func (c *call) takePlace(p *export.Procedure) error {
	err := c.host.loans.Insist(c.ctx, func() error {
		return c.host.queue.Take(c.ctx, p.Name, p.Places(), c.mayWait(), c.waits)
	})
	if err == nil && c.ctx.Err() != nil { // the caller left just as it got its place
		c.host.queue.Give(p.Name)
		err = c.ctx.Err()
	}
	return err
}

// supervise sees a started process to its end and reports it.
func (c *call) supervise(process run.Process, p *prepared, began time.Time) {
	c.started(process, c.limit(p), began)
	if c.resume != nil {
		c.resume() // not before: who waited for this finds a call that runs
	}
	c.Start(c.news(0, ""))
	p.streams.Started() // only now: the process is supervised
	p.streams.Relay()
	if c.Terminal != nil {
		go p.streams.AttendTerminal(c.here, c.Windows(), process.Stops(), c.TellStopped)
	}
	c.logStart(p.Procedure)
	c.forget()
	p.env = nil

	status, err := process.Wait()
	if err != nil { // somebody else reaped it, which can't happen; it must not look like 0
		status.Wait = uint32(unix.SIGKILL)
		c.host.Log.Error("lost a child", "call", c.id, "error", err)
	}
	took := time.Since(began)
	end := c.newClosing(process, p, status)
	end.run()
	c.logEnd(p.Procedure, end, took)
	c.host.counters.Count(end.exit, end.lost)
}

// news is what ACCEPTED and STARTED say of the call.
func (c *call) news(flags uint16, text string) wire.Started {
	return wire.Started{Flags: flags, ID: c.id.String(), Dir: c.dir, Grace: c.host.Grace, Text: text}
}
