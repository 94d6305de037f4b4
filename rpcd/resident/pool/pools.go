package pool

import (
	"fmt"
	"sync"
	"time"

	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/run"
	"rpcd/rpcd/wire"
)

// Config is what a daemon's resident workers have in common.
type Config struct {
	Worker  string          // the daemon's name, for RPC_WORKER
	Grace   time.Duration   // between TERM and KILL
	Environ func() []string // rpcd's own environment
	Log     Log
	Changed func() // called without a lock: a worker that was ended is gone
	Times   Times
}

// Log takes what happens, as keys and values (hclog.Logger does).
type Log interface {
	Info(text string, words ...any)
	Warn(text string, words ...any)
}

// Times are the limits of this package. The zero value stands for the defaults.
type Times struct {
	First     time.Duration // for a worker's first frame, and for its answer to CALL: 10 s
	Silence   time.Duration // after which one that said nothing is killed: 60 s
	Pause     time.Duration // before the next start after a failure, doubled by each in a row: 0.1 s
	MostPause time.Duration // 10 s
}

// The defaults of Times. PROTOCOL.md, section 7, tells them to workers.
const (
	firstTime = wire.FirstTimeout
	silence   = 6 * firstTime
	pause     = 100 * time.Millisecond
	mostPause = 10 * time.Second
)

// Pools are the resident workers of all procedures. It implements run.Residents.
type Pools struct {
	Config
	hurry chan struct{} // closed: workers that are ended get no grace any more
	once  sync.Once     // for hurry

	mu     sync.Mutex
	pools  map[string]*pool // by procedure
	closed bool             // nothing is started any more
	ending int              // workers that are being ended
}

var _ run.Residents = (*Pools)(nil)

// New makes the pools of a daemon. Without a procedure they cost nothing.
func New(c Config) *Pools {
	c.Times.First = or(c.Times.First, firstTime)
	c.Times.Silence = or(c.Times.Silence, silence)
	c.Times.Pause = or(c.Times.Pause, pause)
	c.Times.MostPause = or(c.Times.MostPause, mostPause)
	return &Pools{Config: c, hurry: make(chan struct{}), pools: map[string]*pool{}}
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Open starts the workers of procedures.
func (s *Pools) Open(procedures []*export.Procedure) {
	for _, p := range procedures {
		s.For(p)
	}
}

// For gives the runner of a procedure, and starts its workers if there are none yet.
// Rules that have changed count from now on.
func (s *Pools) For(p *export.Procedure) run.Runner {
	s.mu.Lock()
	q := s.pools[p.Name]
	if q == nil {
		q = &pool{set: s, name: p.Name, workers: map[*worker]stage{}}
		if s.closed {
			q.closed = limit.ErrClosed
		} else {
			s.pools[p.Name] = q
		}
	}
	s.mu.Unlock()
	q.configure(p)
	return q
}

// Forget ends the workers of a procedure, if it has any.
func (s *Pools) Forget(name string) {
	s.mu.Lock()
	q := s.pools[name]
	delete(s.pools, name)
	s.mu.Unlock()
	if q != nil {
		q.close(&limit.FullError{Behind: fmt.Sprintf("%q was changed just now", name)})
	}
}

// Entry describes a procedure of either kind for LISTING.
func (s *Pools) Entry(p *export.Procedure) wire.Entry {
	e := wire.Entry{Name: p.Name, Kind: "spawned", Summary: p.Summary}
	switch {
	case p.Topic != nil:
		e.Kind = "topic"
	case p.Workers > 0:
		e.Kind, e.Workers = "resident", s.Workers(p)
	}
	return e
}

// Workers says how those of a procedure are.
func (s *Pools) Workers(p *export.Procedure) wire.Workers {
	s.mu.Lock()
	q := s.pools[p.Name]
	s.mu.Unlock()
	if q == nil || p.Workers == 0 {
		return wire.Workers{Wanted: uint32(p.Workers)}
	}
	return q.describe()
}

// Drain ends the workers that have no call, and the others after theirs. Nothing is
// started any more. A second call does nothing.
func (s *Pools) Drain() {
	s.mu.Lock()
	s.closed = true
	all := s.pools
	s.pools = map[string]*pool{}
	s.mu.Unlock()
	for _, q := range all {
		q.close(limit.ErrClosed)
	}
}

// Leftovers is how many workers are being ended.
func (s *Pools) Leftovers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// Close ends the grace of workers that are being ended, now and to come.
func (s *Pools) Close() { s.once.Do(func() { close(s.hurry) }) }

// count counts workers that are being ended.
func (s *Pools) count(by int) {
	s.mu.Lock()
	s.ending += by
	s.mu.Unlock()
	if by < 0 {
		s.Changed()
	}
}
