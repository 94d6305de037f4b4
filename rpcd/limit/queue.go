package limit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrClosed is Take's error after Close.
var ErrClosed = errors.New("the queue is closed")

// FullError is Take's error when no place came in time.
type FullError struct {
	Behind string        // the calls that run and wait, in words
	Waited time.Duration // how long the call waited; 0: it wasn't queued
}

// IsFull says whether err is a *FullError.
func IsFull(err error) bool {
	var full *FullError
	return errors.As(err, &full)
}

func (e *FullError) Error() string {
	if e.Waited > 0 {
		return fmt.Sprintf("waited %v behind %s", e.Waited, e.Behind)
	}
	return e.Behind
}

// Queue gives calls their places. It bounds how many calls run at once, in all
// and per procedure, and how many wait. A free place goes to the call that has
// waited longest among those whose procedure may run once more.
type Queue struct {
	max     int // calls that run at once
	longest int // calls that wait at once

	mu      sync.Mutex
	closed  bool
	running map[string]int // places taken, by procedure; a name at 0 is deleted
	total   int            // the sum of running
	waiting []*waiter      // in the order of arrival
}

// waiter is a call that waits for a place.
type waiter struct {
	name string
	most int           // places of its procedure; 0: no limit of its own
	woke chan struct{} // closed when the call has got its place, or the queue is closed
}

// Load is how many calls run and wait, and how many may. CPUs are the processors that
// they have: affinity and the cgroup's limit count.
type Load struct{ Running, Waiting, MaxRunning, MaxWaiting, CPUs int }

// NewQueue makes a queue in which max calls run at once and longest calls wait
// at once.
func NewQueue(max, longest int) *Queue {
	return &Queue{max: max, longest: longest, running: map[string]int{}}
}

// Take takes a place for a call of the procedure name, of which most calls run
// at once (0: no limit of its own). With nil the caller owns the place until it
// calls Give.
//
// If no place is free, Take calls waits once, with a text on the calls before this
// one. Then it waits for at most wait, or not at all if wait is 0. The error is a
// *FullError, ErrClosed or the error of ctx.
func (q *Queue) Take(ctx context.Context, name string, most int, wait time.Duration, waits func(behind string)) error {
	w, behind, err := q.enter(name, most, wait > 0)
	if w == nil {
		return err
	}
	waits(behind)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.woke:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = &FullError{Behind: behind, Waited: wait}
	}
	return q.stopWaiting(w, err)
}

// enter takes a free place, or begins to wait for one. Without a waiter the
// answer is final: nil is a place.
func (q *Queue) enter(name string, most int, mayWait bool) (w *waiter, behind string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, "", ErrClosed
	}
	// The procedure's limit may have been changed since the others came. They
	// have waited longer, so a raised limit serves them first.
	for _, w := range q.waiting {
		if w.name == name {
			w.most = most
		}
	}
	q.grant()
	if q.free(name, most) {
		q.occupy(name)
		return nil, "", nil
	}
	behind = q.behind()
	if !mayWait || len(q.waiting) >= q.longest {
		return nil, "", &FullError{Behind: behind}
	}
	w = &waiter{name: name, most: most, woke: make(chan struct{})}
	q.waiting = append(q.waiting, w)
	return w, behind, nil
}

// stopWaiting gives Take's result for a call that was queued. err says why Take
// stopped waiting, and is nil if the call was woken.
func (q *Queue) stopWaiting(w *waiter, err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, w); i >= 0 { // it got no place
		q.waiting = slices.Delete(q.waiting, i, i+1)
		if err == nil {
			err = ErrClosed
		}
		return err
	}
	if err != nil { // it got its place at the same moment
		q.release(w.name)
	}
	return err
}

// Give gives a place of the procedure name back.
func (q *Queue) Give(name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release(name)
}

// Close refuses the calls that wait, and all that come later, with ErrClosed.
// Calls that run keep their places. A second Close does nothing.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	for _, w := range q.waiting {
		close(w.woke) // it stays in the list, by which stopWaiting sees that it got no place
	}
}

// Load gives the numbers of this moment.
func (q *Queue) Load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Load{Running: q.total, Waiting: len(q.waiting), MaxRunning: q.max, MaxWaiting: q.longest, CPUs: runtime.GOMAXPROCS(0)}
}

func (q *Queue) free(name string, most int) bool {
	return q.total < q.max && (most == 0 || q.running[name] < most)
}

func (q *Queue) occupy(name string) {
	q.running[name]++
	q.total++
}

func (q *Queue) release(name string) {
	q.total--
	if q.running[name]--; q.running[name] == 0 {
		delete(q.running, name)
	}
	q.grant()
}

// grant gives free places to calls that wait.
func (q *Queue) grant() {
	for i := 0; i < len(q.waiting) && q.total < q.max; {
		w := q.waiting[i]
		if q.closed || !q.free(w.name, w.most) {
			i++
			continue
		}
		q.occupy(w.name)
		q.waiting = slices.Delete(q.waiting, i, i+1)
		close(w.woke)
	}
}

// maxNames is how many procedures behind names: its words go into one line.
const maxNames = 5

// behind describes the calls that run and wait.
func (q *Queue) behind() string {
	var names []string
	for name, n := range q.running {
		names = append(names, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(names)
	if len(names) > maxNames {
		names = append(names[:maxNames], "...")
	}
	s := fmt.Sprintf("%d running (%s)", q.total, strings.Join(names, ", "))
	if len(q.waiting) > 0 {
		s += fmt.Sprintf(", %d waiting", len(q.waiting))
	}
	return s
}
