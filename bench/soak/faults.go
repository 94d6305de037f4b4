package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"rpcd/internal/proc"
)

const (
	drainTime = time.Second
	graceTime = time.Second
	downTime  = 600 * time.Millisecond
	endTime   = 15 * time.Second // for a daemon after TERM: far more than drain and grace
)

// injectFaults restarts the fickle daemon and cuts bridges, one fault at a time,
// until over is closed. Findings about a restart go into r.
func injectFaults(ctx context.Context, st *stage, chance *rand.Rand, over chan struct{}, r *report) (faults []fault, err error) {
	if st.options.faults == 0 {
		<-over
		return nil, nil
	}
	var order []int // a random order of the four faults, so that each comes equally often
	for {
		pause := time.Duration((0.5 + chance.Float64()) * float64(st.options.faults))
		select {
		case <-over:
			return faults, nil
		case <-ctx.Done():
			return faults, nil
		case <-time.After(pause):
		}
		if len(order) == 0 {
			order = chance.Perm(4)
		}
		f := fault{from: time.Now(), worker: fickle}
		down := time.Duration(chance.IntN(int(downTime))) // how long the worker or bridge stays away
		switch order[0] {
		case 0:
			f.what = drained
			err = st.drain(r, down)
		case 1:
			f.what = killed
			err = st.crash(r, down)
		default:
			f.what, f.worker = cut, order[0]-2
			st.bridges[f.worker].Cut()
			time.Sleep(down)
			err = st.bridge(f.worker)
		}
		order = order[1:]
		f.to = time.Now()
		faults = append(faults, f)
		if err != nil {
			return faults, fmt.Errorf("%s: %w", f.what, err)
		}
	}
}

// drain ends the fickle daemon by TERM, as a supervisor does, and starts the next
// one. No process and no control group of its calls may be left.
func (st *stage) drain(r *report, down time.Duration) error {
	old, life := st.daemons[fickle], st.life(fickle)
	group, excused := groupOf(old), st.strangers.hang()
	old.Signal(syscall.SIGTERM)
	select {
	case <-old.Done():
	case <-time.After(endTime):
		r.find(hung, fmt.Sprintf("rpcd, %v after TERM", endTime))
		old.Kill()
	}
	time.Sleep(down)
	left := gone(life, 5*time.Second) // a killed process may take a moment to end
	for _, line := range left {
		r.find(leftOver, "a process after a drain: "+line)
	}
	st.ended(r, group, "a drain", excused)
	return st.serve(fickle)
}

// crash kills the fickle daemon and starts the next one over its stale socket.
// Then it ends the processes that the first one left, as systemd or a container
// would. If calls have control groups, the next daemon has done that already.
func (st *stage) crash(r *report, down time.Duration) error {
	life, group, excused := st.life(fickle), groupOf(st.daemons[fickle]), st.strangers.hang()
	st.daemons[fickle].Kill()
	time.Sleep(down)
	err := st.serve(fickle)
	st.ended(r, group, "a crash and a restart", excused)
	for end := time.Now().Add(endTime); time.Now().Before(end); {
		pids := proc.WithVariable(life)
		if len(pids) == 0 {
			return err
		}
		kill(pids)
	}
	if left := gone(life, 0); err == nil && len(left) > 0 {
		err = fmt.Errorf("cannot end what a killed rpcd left: %s", strings.Join(left, ", "))
	}
	return err
}
