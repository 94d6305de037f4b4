package journal

import (
	"sync"
	"time"
)

const (
	// repeatPause is how long what was said isn't said again.
	repeatPause = 10 * time.Second
	// maxRepeats is how many different things are remembered. Beyond that, things
	// may be said too often.
	maxRepeats = 256
)

// Repeats keeps callers that try on (rpc --wait does several times a second)
// from filling the log. The zero value is ready.
type Repeats struct {
	mu   sync.Mutex
	said map[any]*repeat
}

type repeat struct {
	last   time.Time // when it was said
	unsaid int       // how often it wasn't, since then
}

// Say says whether something is worth a line, which key tells from all else, and
// how often it came without one since its last line.
func (r *Repeats) Say(key any) (unsaid int, say bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	before := r.said[key]
	if before != nil && now.Sub(before.last) < repeatPause {
		before.unsaid++
		return 0, false
	}
	if before == nil {
		if len(r.said) == maxRepeats || r.said == nil {
			r.said = map[any]*repeat{}
		}
		before = &repeat{}
		r.said[key] = before
	}
	unsaid, before.unsaid, before.last = before.unsaid, 0, now
	return unsaid, true
}
