package run

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"rpcd/rpcd/child"
)

// spawned starts a process for each call.
type spawned struct {
	keep    bool          // what a process leaves lives on
	changed func()        // leftovers are gone
	hurry   chan struct{} // closed: leftovers get no grace any more
	once    sync.Once     // for hurry

	mu        sync.Mutex
	leftovers int
}

func newSpawned(keep bool, changed func()) *spawned {
	return &spawned{keep: keep, changed: changed, hurry: make(chan struct{})}
}

func (s *spawned) Start(ctx context.Context, j Job) (Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := child.Start(child.Spec{Path: j.Path, Argv: j.Argv, Env: j.Env, Dir: j.Dir, Umask: j.Umask, Files: j.Files, As: j.As, Keep: s.keep, Terminal: j.Terminal, Caller: j.Caller, Cancel: ctx.Done()})
	if errors.Is(err, child.ErrCanceled) {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return &spawnedProcess{child: c, runner: s}, nil
}

func (s *spawned) Leftovers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leftovers
}

func (s *spawned) Close() { s.once.Do(func() { close(s.hurry) }) }

// endLeftovers ends what c has left, and counts it until then.
func (s *spawned) endLeftovers(c *child.Child, deadline time.Time, ended func(child.Left)) {
	s.count(1)
	go func() {
		if left := c.End(deadline, s.hurry); len(left.Names) > 0 {
			ended(left)
		}
		s.count(-1)
		s.changed()
	}()
}

func (s *spawned) count(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftovers += by
}

// spawnedProcess is a process that one call has for itself.
type spawnedProcess struct {
	child  *child.Child
	runner *spawned
	once   sync.Once // for Close
}

func (p *spawnedProcess) PID() int                            { return p.child.PID() }
func (p *spawnedProcess) Signal(sig syscall.Signal)           { p.child.Signal(sig) }
func (p *spawnedProcess) SignalAll(signals ...syscall.Signal) { p.child.SignalAll(signals...) }
func (p *spawnedProcess) Stops() <-chan struct{}              { return p.child.Stops() }
func (p *spawnedProcess) OutOfMemory() bool                   { return p.child.OutOfMemory() }

func (p *spawnedProcess) Wait() (Status, error) {
	s, err := p.child.Wait()
	return Status{Wait: s.Wait, User: s.User, System: s.System, MaxRSS: s.MaxRSS}, err
}

func (p *spawnedProcess) Close(deadline time.Time, ended func(child.Left)) {
	p.once.Do(func() {
		if p.runner.keep {
			p.child.Reap()
		} else {
			p.runner.endLeftovers(p.child, deadline, ended)
		}
	})
}
