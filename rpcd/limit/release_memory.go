package limit

import (
	"runtime/debug"
	"sync"
	"time"
)

// Burst counts connections and gives memory back to the system when a burst of
// them is over. The Go runtime alone keeps it for minutes, several times what an
// idle process needs. The zero value is ready.
//
// debug.SetMemoryLimit instead costs time: at a limit of 8 MiB, which gives as much
// back, the runtime collects 30 times as often, and a burst takes twice as long.
type Burst struct {
	mu      sync.Mutex
	open    int
	highest int         // open at most, since memory was last given back
	release *time.Timer // nil before the first burst
}

const (
	// burst is how many connections are one: the memory of fewer isn't worth a
	// collection.
	burst = 32

	// releaseAfter is for the next burst, which may follow at once and would
	// only get the memory from the system again.
	releaseAfter = 2 * time.Second
)

// Enter counts a connection until Leave.
func (b *Burst) Enter() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	b.highest = max(b.highest, b.open)
}

// Leave is Enter's other end. A burst is over when an eighth of its connections
// is left.
func (b *Burst) Leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if b.highest < burst || b.open > b.highest/8 {
		return
	}
	b.highest = b.open
	if b.release == nil {
		b.release = time.AfterFunc(releaseAfter, debug.FreeOSMemory)
	} else {
		b.release.Reset(releaseAfter)
	}
}
