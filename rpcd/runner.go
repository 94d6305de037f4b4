package rpcd

import (
	"fmt"
	"syscall"
	"time"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// runner is how a procedure runs: spawned for each call, or, in releases to
// come, resident, or a topic. The entry in the exports directory says which.
type runner interface {
	start(child.Spec) (process, error)
}

// process is what a runner has started.
type process interface {
	PID() int // its process id
	Signal(syscall.Signal)
	Wait() (child.Status, error)                 // its end, before Reap or End
	End(deadline time.Time, now <-chan struct{}) // what is left of it, then Reap
	Reap()
}

// runnerOf chooses the runner.
func runnerOf(p *export.Procedure) (runner, error) {
	if p.Topic || p.Workers > 0 {
		return nil, &wire.Refused{Code: wire.NotExecutable, Text: fmt.Sprintf("cannot run %q: this release knows neither topics nor resident workers", p.Name)}
	}
	return spawned{}, nil
}

// spawned starts a process for each call.
type spawned struct{}

func (spawned) start(s child.Spec) (process, error) { return child.Start(s) }
