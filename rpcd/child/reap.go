package child

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// children are the processes that Start made and nobody has reaped yet.
var children = &registry{ours: map[int]*Child{}, changed: make(chan struct{})}

type registry struct {
	// reaping is held for writing while a child is reaped, and for reading by a
	// look that none may vanish from.
	reaping sync.RWMutex

	mu      sync.Mutex
	ours    map[int]*Child
	changed chan struct{} // closed and replaced by wake
}

func (r *registry) add(c *Child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ours[c.pid] = c
}

// reap reaps a dead child and forgets it in the same step, since the kernel may
// give its number to a new child at once. It says how the child ended.
func (r *registry) reap(c *Child) (how unix.WaitStatus) {
	r.reaping.Lock()
	defer r.reaping.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if _, err := unix.Wait4(c.pid, &how, 0, nil); err != unix.EINTR {
			break
		}
	}
	delete(r.ours, c.pid)
	return how
}

// next gives a channel that is closed at the next wake.
func (r *registry) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// wake wakes all goroutines that wait for processes to end: one has died, or a
// watched cgroup has changed.
func (r *registry) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// reapPause is how long dead orphans may lie, so that many are reaped at once.
const reapPause = 20 * time.Millisecond

// reapOrphans reaps the dead children that Start didn't make.
func reapOrphans() {
	forking.Lock() // between its fork and its registration a child looks like an orphan
	defer forking.Unlock()
	children.reaping.Lock()
	defer children.reaping.Unlock()
	pids, err := children.orphans()
	if err != nil {
		return // without CONFIG_PROC_CHILDREN they stay until rpcd ends
	}
	for _, pid := range pids {
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
}

// orphans gives the children that Start didn't make. The kernel puts orphans
// into the main thread's list (find_new_reaper in kernel/exit.c).
func (r *registry) orphans() ([]int, error) {
	list, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var pids []int
	for _, word := range strings.Fields(string(list)) {
		if pid, err := strconv.Atoi(word); err == nil && r.ours[pid] == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
