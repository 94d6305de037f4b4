package starter

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Will is the calls that are made once this process has ended, however it has: see
// Helper.Stay. They change while the helper stays.
type Will struct {
	mu    sync.Mutex
	pages []*page
	free  []*step
}

// page is some of the steps. Its last one is a jump to the next page, or ends the
// helper.
type page [pageSteps + 1]step

const pageSteps = 127

// nothing is the number of a system call that does nothing: getppid(2).
const nothing = unix.SYS_GETPPID

// Add adds a call, which is made after those that were added before and are still
// there, or in the place of one that isn't. Its result doesn't matter, and it must not
// wait. withdraw takes it out again; a second time it does nothing.
func (w *Will) Add(number uintptr, args ...uintptr) (withdraw func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grow()
	last := len(w.free) - 1
	s := w.free[last]
	w.free = w.free[:last]
	copy(s.args[:], args)
	s.number = number // last: this process may end in between
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if s != nil {
			s.number = nothing
			w.free = append(w.free, s)
			s = nil
		}
	}
}

// grow makes another page if no step is free. w.mu is held.
func (w *Will) grow() {
	if len(w.free) > 0 {
		return
	}
	p := new(page)
	for i := range p[:pageSteps] {
		p[i].number, p[i].may = nothing, 1
		w.free = append(w.free, &p[pageSteps-1-i])
	}
	p[pageSteps].number = unix.SYS_EXIT_GROUP
	if n := len(w.pages); n > 0 {
		end := &w.pages[n-1][pageSteps]
		end.args[0] = address(&p[0])
		end.number = jump
	}
	w.pages = append(w.pages, p)
}

// first is where the calls begin.
func (w *Will) first() *step {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grow()
	return &w.pages[0][0]
}
