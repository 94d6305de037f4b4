package limit

import (
	"os"
	"time"
)

// Waited is how a wait ends.
type Waited int

// The ends.
const (
	Fulfilled   Waited = iota
	TimedOut           // the limit came first
	Interrupted        // a signal did
)

// Wait waits until a condition holds. It is looked at after each receive from changed.
func Wait(changed <-chan struct{}, condition func() bool, now <-chan os.Signal, limit <-chan time.Time) Waited {
	for !condition() {
		select {
		case <-changed:
		case <-now:
			return Interrupted
		case <-limit:
			return TimedOut
		}
	}
	return Fulfilled
}
