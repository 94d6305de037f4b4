package pool

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// stage is how far a worker in a pool has come. It only grows.
type stage int

const (
	starting stage = iota
	overdue        // it has said nothing within the time for that
	ready          // idle or busy
)

// pool is the workers of one procedure.
//
// Each worker is in a stage, or has left the pool: it is being ended then, or has
// ended. One that leaves is followed by another at once if the pool replaced it, and
// after a pause if it failed.
type pool struct {
	set  *Pools
	name string

	mu       sync.Mutex
	closed   error // why nothing is started any more; nil: the pool is open
	rules    *export.Procedure
	made     making            // what workers are made of now
	workers  map[*worker]stage // in the pool
	idle     []*worker         // the last one to come was busy last, and is taken first
	waiters  []*waiter         // calls, in the order in which they came
	failures int               // of workers in a row
	trouble  error             // the last failure; nil: a call was answered since
	unfit    bool              // the last failure was one before READY
	restarts uint64
	next     *time.Timer // starts workers in the place of those that failed; nil: none is due
	due      time.Time   // when
}

// making is what a worker is made of. One that was made of something else is
// replaced.
type making struct {
	device, inode uint64
	size          int64
	changed       unix.Timespec // st_mtim of the program (inode(7))
	words         string        // args, env and workdir
}

// waiter is a call that waits for a worker.
type waiter struct {
	woke   chan struct{} // closed when worker or err is set
	worker *worker
	err    error
}

// configure takes over a procedure's rules, and sees to it that there are as many
// workers as they say.
func (p *pool) configure(rules *export.Procedure) {
	made := making{words: strings.Join(slices.Concat(rules.Args, []string{""}, rules.Set, []string{"", rules.Workdir}), "\x00")}
	var st unix.Stat_t
	found := unix.Stat(rules.Path, &st) == nil
	p.mu.Lock()
	defer p.mu.Unlock()
	if found {
		made.device, made.inode, made.size, made.changed = uint64(st.Dev), st.Ino, st.Size, st.Mtim
	} else { // it may be in the middle of its replacement
		made.device, made.inode, made.size, made.changed = p.made.device, p.made.inode, p.made.size, p.made.changed
	}
	same := p.rules != nil && p.made == made && p.rules.Workers == rules.Workers
	p.rules, p.made = rules, made
	if !same {
		p.tidy()
		p.fill()
	}
}

// fill starts the workers that lack, unless they have to wait; p.mu is held.
func (p *pool) fill() {
	if p.closed != nil || p.next != nil {
		return
	}
	for len(p.workers) < p.rules.Workers {
		w := newWorker(p)
		p.workers[w] = starting
		go w.run()
	}
}

// tidy replaces idle workers that are due, as far as that may be now, and ends those
// that are too many; p.mu is held.
func (p *pool) tidy() {
	for i := 0; i < len(p.idle); {
		w := p.idle[i]
		if !p.leaves(w) {
			i++
			continue
		}
		p.idle = slices.Delete(p.idle, i, i+1)
	}
}

// leaves ends a worker without a call, if there are too many, or if it is due and
// all others are ready: so some stay warm. It says whether it did; p.mu is held.
func (p *pool) leaves(w *worker) bool {
	why := ""
	switch {
	case p.closed != nil:
		why = p.closed.Error()
	case len(p.workers) > p.rules.Workers:
		why = "fewer workers are wanted"
	case p.complete():
		why = w.due()
	}
	if why == "" {
		return false
	}
	if p.closed == nil {
		p.set.Log.Info("replace a resident worker", "procedure", p.name, "pid", w.pid(), "why", why)
	}
	delete(p.workers, w)
	w.retire()
	p.fill()
	return true
}

// complete says whether all workers that are wanted are ready; p.mu is held.
func (p *pool) complete() bool {
	return len(p.workers) >= p.rules.Workers && p.count(ready) == len(p.workers)
}

// count counts the workers in a stage; p.mu is held.
func (p *pool) count(s stage) (n int) {
	for _, is := range p.workers {
		if is == s {
			n++
		}
	}
	return n
}

// hopeless says whether no worker is expected to come up soon, since the last one
// that tried is none; p.mu is held.
func (p *pool) hopeless() bool { return p.unfit && p.count(overdue) == len(p.workers) }

// take waits until a worker is free, and gives it to the caller, who gives it back
// by release, or has it break off. The error is ctx's, limit.ErrClosed, a
// *limit.FullError after wait, or why no worker comes up.
func (p *pool) take(ctx context.Context, wait time.Duration, waits func(string)) (*worker, error) {
	w, waiter, behind, err := p.enter(wait > 0)
	if waiter == nil {
		return w, err
	}
	if waits != nil {
		waits(behind)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-waiter.woke:
		return waiter.worker, waiter.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		p.mu.Lock()
		err = &limit.FullError{Behind: p.behind(), Waited: wait.Round(time.Millisecond)}
		p.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiters, waiter); i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
	} else if waiter.worker != nil { // it came at the same moment
		p.free(waiter.worker)
	}
	return nil, err
}

// enter gives an idle worker, or begins to wait for one.
func (p *pool) enter(mayWait bool) (w *worker, _ *waiter, behind string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.popIdle(); w != nil {
		return w, nil, "", nil
	}
	switch {
	case p.closed != nil:
		return nil, nil, "", p.closed
	case p.hopeless():
		return nil, nil, "", p.trouble
	case !mayWait:
		return nil, nil, "", &limit.FullError{Behind: p.behind()}
	}
	q := &waiter{woke: make(chan struct{})}
	p.waiters = append(p.waiters, q)
	return nil, q, p.behind(), nil
}

// popIdle takes an idle worker that is all right; p.mu is held.
func (p *pool) popIdle() *worker {
	for len(p.idle) > 0 {
		w := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if w.isQuiet() {
			return w
		}
		w.breakOff(errNoise)
	}
	return nil
}

// release takes a worker back that has answered its call.
func (p *pool) release(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.trouble, p.unfit = 0, nil, false
	p.free(w)
}

// free gives a ready worker to the next call, or ends it; p.mu is held.
func (p *pool) free(w *worker) {
	if _, in := p.workers[w]; !in || p.leaves(w) { // it has failed meanwhile, or goes
		return
	}
	if len(p.waiters) > 0 {
		q := p.waiters[0]
		p.waiters = slices.Delete(p.waiters, 0, 1)
		q.worker = w
		close(q.woke)
		return
	}
	p.idle = append(p.idle, w)
}

// ready says that a worker takes calls now.
func (p *pool) ready(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, in := p.workers[w]; !in {
		return
	}
	p.workers[w] = ready
	p.unfit = false
	if p.failures == 0 {
		p.trouble = nil
	}
	p.free(w)
	p.tidy() // the next that is due
}

// silent says that a worker is overdue. Calls are told so, for that reason, and
// the worker may come up yet.
func (p *pool) silent(w *worker, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, in := p.workers[w]; !in {
		return
	}
	p.workers[w] = overdue
	p.trouble, p.unfit = why, true
	p.set.Log.Warn("a resident worker isn't ready", "procedure", p.name, "pid", w.pid(), "why", why.Error())
	if p.hopeless() {
		p.wakeAll(why)
	}
}

// lost says that a worker has failed: before it was ready if unfit, and else later.
func (p *pool) lost(w *worker, why error, unfit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, in := p.workers[w]; !in {
		return
	}
	delete(p.workers, w)
	if i := slices.Index(p.idle, w); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	switch {
	case p.closed != nil:
		return
	case w.wasKilled(): // for its call's sake
		p.restarts++
		p.set.Log.Info("a resident worker was killed with its call", "procedure", p.name, "pid", w.pid())
		p.fill()
		return
	}
	p.failures++
	p.trouble, p.unfit = why, unfit
	if p.next == nil {
		d := p.pause()
		p.due = time.Now().Add(d)
		p.next = time.AfterFunc(d, p.restart)
	}
	p.set.Log.Warn("a resident worker failed", "procedure", p.name, "pid", w.pid(), "why", why.Error(), "in_a_row", p.failures, "next_start", time.Until(p.due).Round(time.Millisecond).String())
	if p.hopeless() {
		p.wakeAll(p.trouble)
	}
}

// pause is how long the next start has to wait; p.mu is held.
func (p *pool) pause() time.Duration {
	d := p.set.Times.Pause
	for i := 1; i < p.failures && d < p.set.Times.MostPause; i++ {
		d *= 2
	}
	return min(d, p.set.Times.MostPause)
}

// restart starts workers in the place of those that failed.
func (p *pool) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return
	}
	p.next = nil
	p.restarts += uint64(max(0, p.rules.Workers-len(p.workers)))
	p.fill()
}

// close ends the pool: idle workers and those that start at once, busy ones after
// their calls. Calls that wait, and calls to come, get why.
func (p *pool) close(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = why
	if p.next != nil {
		p.next.Stop()
		p.next = nil
	}
	p.wakeAll(why)
	p.tidy()
	for w, is := range p.workers {
		if is != ready {
			delete(p.workers, w)
			w.retire()
		}
	}
}

// wakeAll refuses the calls that wait; p.mu is held.
func (p *pool) wakeAll(err error) {
	for _, q := range p.waiters {
		q.err = err
		close(q.woke)
	}
	p.waiters = nil
}

// behind says what a call waits for; p.mu is held.
func (p *pool) behind() string {
	text := fmt.Sprintf("resident workers of %q (%d of %d ready", p.name, p.count(ready), p.rules.Workers)
	if trouble := p.troubleText(); trouble != "" {
		text += ", " + trouble
	}
	return text + ")"
}

// troubleText says what is wrong with the workers just now; p.mu is held.
func (p *pool) troubleText() string {
	if p.trouble == nil {
		return ""
	}
	text := p.trouble.Error()
	switch {
	case p.failures == 1:
		text = "one failed: " + text
	case p.failures > 1:
		text = fmt.Sprintf("%d failed in a row: %s", p.failures, text)
	}
	if p.next != nil {
		text += fmt.Sprintf(", the next starts in %v", max(0, time.Until(p.due)).Round(100*time.Millisecond))
	}
	return text
}

// describe says how the workers are. Idle ones are looked at first.
func (p *pool) describe() wire.Workers {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(w *worker) bool {
		if w.isQuiet() {
			return false
		}
		w.breakOff(errNoise)
		return true
	})
	m := wire.Workers{Wanted: uint32(p.rules.Workers), Warm: uint32(p.count(ready)), Restarts: p.restarts, Trouble: p.troubleText()}
	m.Busy = m.Warm - min(m.Warm, uint32(len(p.idle)))
	return m
}
