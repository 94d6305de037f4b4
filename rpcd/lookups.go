package rpcd

import (
	"context"
	"sync"
	"time"
)

// lookups bounds the callers for whom we look at files at the same time. Few
// are enough, and keep few threads busy; but who is stuck on a volume that
// hangs, or at a passed file of one, makes way after a moment.
type lookups struct {
	few chan struct{} // a token for each that isn't stuck
	all chan struct{} // a token for each
}

const (
	// maxStuck callers at most: each holds a thread, of which Go makes 10,000.
	maxStuck = 1024
	fewLooks = 8
	fewLists = 2
	// stuck is after how long a look counts no more among the few.
	stuck = time.Second
)

func newLookups(few int) *lookups {
	return &lookups{few: make(chan struct{}, few), all: make(chan struct{}, maxStuck)}
}

// begin waits until we may look at files for a caller; end ends it, once.
func (l *lookups) begin(ctx context.Context) (end func(), err error) {
	for _, tokens := range []chan struct{}{l.all, l.few} {
		select {
		case tokens <- struct{}{}:
		case <-ctx.Done():
			if tokens == l.few {
				<-l.all
			}
			return nil, ctx.Err()
		}
	}
	makeWay := sync.OnceFunc(func() { <-l.few })
	timer := time.AfterFunc(stuck, makeWay)
	return sync.OnceFunc(func() {
		timer.Stop()
		makeWay()
		<-l.all
	}), nil
}
