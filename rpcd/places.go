package rpcd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// places are the calls that may run at once, over all and per procedure, and
// the queue for them: first come, first served among those whose procedure
// has a place.
type places struct {
	mu      sync.Mutex
	max     int
	queue   int
	closed  bool
	running map[string]int // by procedure
	total   int
	waiting []*waiter
}

type waiter struct {
	name string
	max  int           // of the procedure; 0: none
	in   chan struct{} // closed when it got its place
}

func newPlaces(max, queue int) *places {
	return &places{max: max, queue: queue, running: map[string]int{}}
}

func (p *places) free(name string, max int) bool {
	return p.total < p.max && (max == 0 || p.running[name] < max)
}

func (p *places) occupy(name string) {
	p.running[name]++
	p.total++
}

// take gets a place for proc, waiting for at most d (not at all with 0), and
// calling queued, once, when it has to wait. The error is a refusal, or the
// context's.
func (p *places) take(ctx context.Context, proc *export.Procedure, d time.Duration, queued func(behind string)) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return &wire.Refused{Code: wire.Draining, Text: "is draining"}
	}
	for _, w := range p.waiting { // its file may have changed since they came
		if w.name == proc.Name {
			w.max = proc.MaxCalls
		}
	}
	p.grant()
	if p.free(proc.Name, proc.MaxCalls) {
		p.occupy(proc.Name)
		p.mu.Unlock()
		return nil
	}
	behind := p.behind()
	if d <= 0 || len(p.waiting) >= p.queue {
		p.mu.Unlock()
		return &wire.Refused{Code: wire.Busy, Text: "is busy: " + behind}
	}
	w := &waiter{name: proc.Name, max: proc.MaxCalls, in: make(chan struct{})}
	p.waiting = append(p.waiting, w)
	p.mu.Unlock()

	queued(behind)
	timer := time.NewTimer(d)
	defer timer.Stop()
	var err error
	select {
	case <-w.in:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = &wire.Refused{Code: wire.Busy, Text: fmt.Sprintf("is busy: waited %v behind %s", d, behind)}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		if err == nil { // woken by close
			err = &wire.Refused{Code: wire.Draining, Text: "is draining"}
		}
		return err
	}
	if err != nil { // it got its place at the same moment
		p.leave(w.name)
	}
	return err
}

// behind tells what runs and what waits.
func (p *places) behind() string {
	var names []string
	for name, n := range p.running {
		names = append(names, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "...")
	}
	s := fmt.Sprintf("%d running (%s)", p.total, strings.Join(names, ", "))
	if len(p.waiting) > 0 {
		s += fmt.Sprintf(", %d waiting", len(p.waiting))
	}
	return s
}

// give gives a place back.
func (p *places) give(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(name)
}

func (p *places) leave(name string) {
	p.total--
	if p.running[name]--; p.running[name] == 0 {
		delete(p.running, name)
	}
	p.grant()
}

// grant gives free places to who waits.
func (p *places) grant() {
	for i := 0; i < len(p.waiting) && p.total < p.max; {
		w := p.waiting[i]
		if p.closed || !p.free(w.name, w.max) {
			i++
			continue
		}
		p.occupy(w.name)
		p.waiting = slices.Delete(p.waiting, i, i+1)
		close(w.in)
	}
}

// close refuses who waits, and all who come.
func (p *places) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	for _, w := range p.waiting {
		close(w.in) // stays in the list: take sees that it got no place
	}
}

func (p *places) load() wire.Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	return wire.Load{Running: uint32(p.total), Waiting: uint32(len(p.waiting)), MaxCalls: uint32(p.max), MaxQueue: uint32(p.queue)}
}
