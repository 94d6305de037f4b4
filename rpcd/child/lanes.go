package child

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"rpcd/rpcd/child/starter"
)

// ErrCanceled says that Spec.Cancel was closed before the program ran.
var ErrCanceled = errors.New("the start was canceled")

// BusyError says that too many of a caller's starts hang.
type BusyError struct{ Starts int }

func (e *BusyError) Error() string {
	return fmt.Sprintf("%d starts of yours hang (does a file system not answer?)", e.Starts)
}

const (
	// laneCheck is when others may have the lane of a start that takes long. A start
	// needs it for some microseconds.
	laneCheck = 10 * time.Millisecond
	// stuckAfter is when a start counts as one that hangs. Where all file systems
	// answer, a start takes milliseconds.
	stuckAfter = time.Second
	// maxStuckOfOne is how many starts of one caller may hang. Each holds a thread of
	// rpcd and a process.
	maxStuckOfOne = 32
	// maxStuck is how many may hang together, before callers who have one that hangs
	// get no other. A container's pids limit may be 1024.
	maxStuck = 96
)

// mostLanes is as many as fit below the descriptors that others open.
const mostLanes = 16

// lanes are where processes are started side by side. Setup makes them, before
// anything of strangers is open.
var lanes laneSet

type laneSet struct {
	free        chan *starter.Lane // nil: there are none
	unsupported atomic.Bool        // the kernel has said so

	mu    sync.Mutex
	stuck map[uint32]int // starts that hang, by caller
	all   int            // their sum
}

// open makes the lanes: twice as many as processors, since some starts wait for
// the disk.
func (l *laneSet) open() {
	l.stuck = map[uint32]int{}
	if !starter.Supported {
		return
	}
	made, _ := starter.NewLanes(min(mostLanes, 2*runtime.GOMAXPROCS(0)))
	if len(made) == 0 {
		return
	}
	l.free = make(chan *starter.Lane, len(made))
	for _, lane := range made {
		l.free <- lane
	}
}

// take waits for a lane. The error is ErrCanceled, a *BusyError, or
// starter.ErrUnsupported.
func (l *laneSet) take(caller uint32, cancel <-chan struct{}) (*starter.Lane, error) {
	if l.free == nil || l.unsupported.Load() {
		return nil, starter.ErrUnsupported
	}
	l.mu.Lock()
	own, all := l.stuck[caller], l.all
	l.mu.Unlock()
	if own >= maxStuckOfOne || own > 0 && all >= maxStuck {
		return nil, &BusyError{own}
	}
	select {
	case lane := <-l.free:
		return lane, nil
	case <-cancel:
		return nil, ErrCanceled
	}
}

// count adds by to the starts of a caller that hang.
func (l *laneSet) count(caller uint32, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all += by
	if l.stuck[caller] += by; l.stuck[caller] == 0 {
		delete(l.stuck, caller)
	}
}
