package run

import (
	"errors"

	"rpcd/rpcd/export"
)

// Runners are a daemon's runners: which one a procedure has, its entry in the
// exports directory says.
type Runners struct {
	ended *spawned // of procedures whose leftovers are ended
	kept  *spawned // of those whose leftovers live on

	resident Residents
}

// Residents are the runners of resident procedures (rpcd/resident/pool).
type Residents interface {
	// Open starts the workers of procedures.
	Open(procedures []*export.Procedure)
	// For gives the runner of a resident procedure, whose rules are those of now.
	For(p *export.Procedure) Runner
	// Forget ends the workers of a procedure that isn't resident any more.
	Forget(name string)
	// Drain ends all workers: each that has a call, after it.
	Drain()
	// Leftovers is how many workers are being ended.
	Leftovers() int
	// Close ends the grace of those, now and to come.
	Close()
}

// NewRunners makes the runners of a daemon. With keep, what calls leave behind
// lives on, whatever the procedure's own files say. changed is called, without a
// lock, each time that the leftovers of a call are gone.
func NewRunners(keep bool, resident Residents, changed func()) *Runners {
	return &Runners{ended: newSpawned(keep, changed), kept: newSpawned(true, changed), resident: resident}
}

// For gives a procedure's runner.
func (r *Runners) For(p *export.Procedure) Runner {
	if p.Workers > 0 {
		return r.resident.For(p)
	}
	r.resident.Forget(p.Name)
	if p.Keep {
		return r.kept
	}
	return r.ended
}

// Unfound takes the error of a look-up, and gives it back. Where there is no such
// entry any more, its resident workers end.
func (r *Runners) Unfound(name string, err error) error {
	var e *export.Error
	if errors.As(err, &e) && e.Reason == export.Unknown {
		r.resident.Forget(name)
	}
	return err
}

// Leftovers sums Runner.Leftovers, and what is left of resident workers.
func (r *Runners) Leftovers() int {
	return r.ended.Leftovers() + r.kept.Leftovers() + r.resident.Leftovers()
}

// Drain ends the resident workers that have no call, and the others after it.
func (r *Runners) Drain() { r.resident.Drain() }

// Close closes all runners.
func (r *Runners) Close() {
	r.ended.Close()
	r.kept.Close()
	r.resident.Close()
}
