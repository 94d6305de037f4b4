package run

import "rpcd/rpcd/export"

// Runners are a daemon's runners: which one a procedure has, its entry in the
// exports directory says.
type Runners struct {
	ended *spawned // of procedures whose leftovers are ended
	kept  *spawned // of those whose leftovers live on
}

// NewRunners makes the runners of a daemon. With keep, what calls leave behind
// lives on, whatever the procedure's own files say. changed is called, without a
// lock, each time that the leftovers of a call are gone.
func NewRunners(keep bool, changed func()) *Runners {
	return &Runners{ended: newSpawned(keep, changed), kept: newSpawned(true, changed)}
}

// For gives a procedure's runner.
func (r *Runners) For(p *export.Procedure) Runner {
	if p.Keep {
		return r.kept
	}
	return r.ended
}

// all are the runners that have a life.
func (r *Runners) all() []Runner { return []Runner{r.ended, r.kept} }

// Leftovers sums Runner.Leftovers.
func (r *Runners) Leftovers() int {
	n := 0
	for _, runner := range r.all() {
		n += runner.Leftovers()
	}
	return n
}

// Close closes all runners.
func (r *Runners) Close() {
	for _, runner := range r.all() {
		runner.Close()
	}
}
