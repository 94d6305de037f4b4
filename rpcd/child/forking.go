package child

import (
	"sync"
	"sync/atomic"
	"time"
)

// forking is held while a process is started. It serialises starts, and keeps
// the reaper from taking a child that isn't registered yet for an orphan.
var forking forkLock

// forkLock is a mutex that says for how long a start has held it.
type forkLock struct {
	sync.Mutex
	since atomic.Pointer[time.Time] // nil: nothing is being started
}

// start locks for a start; done unlocks.
func (l *forkLock) start() (done func()) {
	l.Lock()
	now := time.Now()
	l.since.Store(&now)
	return func() {
		l.since.Store(nil)
		l.Unlock()
	}
}

// Starting gives how long the start that is going on has taken so far; 0: there
// is none. One that hangs, on a file system that doesn't answer, holds up all
// others.
func Starting() time.Duration {
	if since := forking.since.Load(); since != nil {
		return max(1, time.Since(*since))
	}
	return 0
}
