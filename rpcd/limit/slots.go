package limit

import (
	"context"
	"sync"
	"time"
)

// Slots bounds the callers for whom files are looked at at the same time. Each
// look-up holds a thread of the operating system, so few at a time keep few
// threads busy. A look-up on a volume that hangs gives its slot to the next
// caller after a second; MaxStuck bounds those that hang.
type Slots struct {
	few chan struct{} // a token for each look-up of less than stuckAfter
	all chan struct{} // a token for each look-up
}

const (
	// MaxStuck is how many look-ups may run in all: Go makes 10,000 threads and
	// then ends the process (debug.SetMaxThreads), and calls need some, too.
	MaxStuck = 1024

	// stuckAfter is when a look-up gives its slot away. On a volume that works
	// it takes milliseconds.
	stuckAfter = time.Second
)

// NewSlots makes few slots.
func NewSlots(few int) *Slots {
	return &Slots{few: make(chan struct{}, few), all: make(chan struct{}, MaxStuck)}
}

// Take waits for a slot until ctx ends; the error is ctx's. The caller gives the
// slot back by give, once or more often.
func (s *Slots) Take(ctx context.Context) (give func(), err error) {
	for _, tokens := range []chan struct{}{s.all, s.few} {
		select {
		case tokens <- struct{}{}:
		case <-ctx.Done():
			if tokens == s.few {
				<-s.all
			}
			return nil, ctx.Err()
		}
	}
	giveFew := sync.OnceFunc(func() { <-s.few })
	timer := time.AfterFunc(stuckAfter, giveFew)
	return sync.OnceFunc(func() {
		timer.Stop()
		giveFew()
		<-s.all
	}), nil
}
