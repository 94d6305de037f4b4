package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

const (
	warmTime    = 8 * time.Second  // of calls before the first look at the daemons, which make threads and buffers
	settleLimit = 15 * time.Second // until the daemons have closed everything
	mostAtOnce  = 100              // callers: a busy machine makes fewer calls, not more and slower ones
	catchUp     = time.Second      // by which a call may be late before the whole schedule moves
)

// How much more the steady daemon may hold after the calls than before. It may
// hold no more descriptors, children and files. But Go's runtime keeps its
// threads, and its heap grows and shrinks.
const (
	threadsMore = 16
	memoryMore  = 24 // MB
)

// soak makes the calls of the warm-up and of the run proper, and judges them.
func soak(ctx context.Context, st *stage) (*report, error) {
	o := st.options
	r := &report{date: time.Now(), machine: rig.LookAround(), options: o, strangers: st.strangers}
	lastID := 0
	id := func() int { lastID++; return lastID }
	idle, err := proc.Look(st.daemons[steady].PID())
	if err != nil {
		return nil, err
	}
	if err := st.ready(ctx, id); err != nil {
		return nil, err
	}
	chance := rand.New(rand.NewPCG(o.seed, 1))
	r.calls = many(ctx, st, chance, id, warmTime)
	if r.before, err = st.snapshot(idle); err != nil {
		return nil, err
	}
	calls, err := r.withFaults(ctx, st, func(ctx context.Context) []*call { return many(ctx, st, chance, id, o.length) })
	if err != nil || ctx.Err() != nil {
		return r, err
	}
	r.made = len(calls)
	r.calls = append(r.calls, calls...)
	if r.after, err = st.snapshot(idle); err != nil {
		return nil, err
	}
	if err := st.ready(ctx, id); err != nil { // every worker has to serve still, over every route
		return nil, err
	}
	r.listing = st.listing(ctx)
	entries, err := readLedger(st.ledger)
	if err != nil {
		return nil, err
	}
	if err := r.judgeAll(entries); err != nil {
		return nil, err
	}
	if err := errors.Join(st.strangers.failures...); err != nil {
		return nil, err
	}
	r.compare()
	if err := r.end(st); err != nil {
		return nil, err
	}
	r.machine.LoadAfter = rig.Load()
	return r, nil
}

// withFaults injects faults while run makes calls, and returns the calls. If
// injecting a fault fails, it ends the calls.
func (r *report) withFaults(ctx context.Context, st *stage, run func(context.Context) []*call) (calls []*call, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		calls = run(ctx)
	}()
	if r.faults, err = injectFaults(ctx, st, rand.New(rand.NewPCG(st.options.seed, 2)), over, r); err != nil {
		cancel()
	}
	<-over
	return calls, err
}

// end ends the daemons and bridges, and looks for processes, files and control
// groups that they leave.
func (r *report) end(st *stage) error {
	made := []string{groupOf(st.daemons[steady]), groupOf(st.daemons[fickle])}
	st.stop()
	if err := st.sweep(); err != nil {
		return err
	}
	for _, path := range append(made, st.groups...) {
		if !groupGone(path) {
			r.find(leftOver, "a control group after the end: "+path)
		}
	}
	for _, line := range gone(runVariable+"="+st.folder, settleLimit) {
		r.find(leftOver, "a process after the end: "+line)
	}
	for _, name := range files(st.run, st.tmp) {
		if strings.HasSuffix(name, ".sock") && !strings.HasSuffix(name, "-bridge.sock") || strings.HasPrefix(name, "tmp") {
			r.find(leftOver, "a file after the end: "+name)
		}
	}
	return nil
}

// many makes calls for the time length, at the rate of the options or as fast as
// the machine can. It returns when all calls are over.
func many(ctx context.Context, st *stage, chance *rand.Rand, id func() int, length time.Duration) (calls []*call) {
	places := make(chan struct{}, mostAtOnce)
	pause := time.Duration(float64(time.Second) / st.options.rate)
	var all sync.WaitGroup
	defer all.Wait()
	next := time.Now()
	for end := next.Add(length); time.Now().Before(end); next = next.Add(pause) {
		if time.Since(next) > catchUp {
			next = time.Now()
		}
		select {
		case <-ctx.Done():
			return calls
		case <-time.After(time.Until(next)):
		}
		select {
		case <-ctx.Done():
			return calls
		case places <- struct{}{}:
		}
		c := plan(chance, id(), workers, st.options.kills)
		calls = append(calls, c)
		all.Go(func() {
			c.make(ctx, st)
			<-places
		})
		st.strangers.maybe(ctx, st, &all)
	}
	return calls
}

// snapshot is the usage of daemons and folders while no call runs.
type snapshot struct {
	steady, fickle proc.Usage
	files          []string
	groups, full   int // control groups of the steady daemon: all, and those in use
	processes      int // processes of this run other than daemons and bridges
}

// snapshot waits until the daemons hold no more than idle.
func (st *stage) snapshot(idle proc.Usage) (s snapshot, err error) {
	if s.steady, err = settled(st.daemons[steady].PID(), idle); err != nil {
		return s, err
	}
	if s.fickle, err = settled(st.daemons[fickle].PID(), idle); err != nil {
		return s, err
	}
	s.files = files(st.run, st.tmp)
	s.groups, s.full = proc.CountCgroups(groupOf(st.daemons[steady]))
	servers := 3 * workers // each worker has a daemon and two socats
	for end := time.Now().Add(settleLimit); ; time.Sleep(50 * time.Millisecond) {
		s.processes = len(proc.WithVariable(runVariable+"="+st.folder)) - servers
		if s.processes <= 0 || time.Now().After(end) {
			return s, nil
		}
	}
}

// compare adds a finding for everything that grew.
func (r *report) compare() {
	b, a := r.before, r.after
	grown := func(what string, before, after, more int) {
		if after > before+more {
			r.find(leftOver, fmt.Sprintf("%s: %d before, %d after", what, before, after))
		}
	}
	grown("descriptors of the steady rpcd", b.steady.Descriptors, a.steady.Descriptors, 0)
	grown("descriptors of the fickle rpcd", b.fickle.Descriptors, a.fickle.Descriptors, 0)
	grown("threads of the steady rpcd", b.steady.Threads, a.steady.Threads, threadsMore)
	grown("MB of the steady rpcd", int(proc.MB(b.steady.RSS)), int(proc.MB(a.steady.RSS)), memoryMore)
	grown("children of the steady rpcd", 0, a.steady.Children, 0)
	grown("children of the fickle rpcd", 0, a.fickle.Children, 0)
	grown("processes", 0, a.processes, 0)
	for _, name := range a.files {
		if !slices.Contains(b.files, name) {
			r.find(leftOver, "a file: "+name)
		}
	}
	grown("control groups of the steady rpcd", 0, a.groups, groupsMost)
	grown("control groups in use", 0, a.full, 0)
	if l := r.listing; l == nil || l.Running != 0 || l.Waiting != 0 {
		r.find(leftOver, fmt.Sprintf("rpc ls of the idle steady worker: %+v", l))
	}
}

// judgeAll compares every call with the ledger.
func (r *report) judgeAll(entries map[int]entry) error {
	for _, c := range r.calls {
		if c.failure != nil {
			return fmt.Errorf("call %d: %w", c.id, c.failure)
		}
		var hit []fault
		for _, f := range r.faults {
			if f.hits(c) {
				hit = append(hit, f)
			}
		}
		found := judge(c, entries[c.id], hit)
		r.findings = append(r.findings, found...)
		r.count(c, hit, len(found) > 0)
	}
	return nil
}

func (r *report) find(s breach, text string) {
	r.findings = append(r.findings, finding{breach: s, text: text})
}

// tidy makes one line of at most 300 bytes of a text.
func tidy(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " / ")
	return text[:min(len(text), 300)]
}
