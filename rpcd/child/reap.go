package child

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/starter"
)

// children are the processes that Start made and nobody has reaped yet.
var children = &registry{ours: map[int]*Child{}, starting: map[*starter.Attempt]bool{}, changed: make(chan struct{})}

type registry struct {
	// reaping is held for writing while a child is reaped, and for reading by a
	// look that none may vanish from.
	reaping sync.RWMutex

	mu       sync.Mutex
	ours     map[int]*Child
	starting map[*starter.Attempt]bool // whose processes, if there are some yet, are ours, too
	changed  chan struct{}             // closed and replaced by wake
}

// begin registers a start, before there is a process.
func (r *registry) begin(a *starter.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starting[a] = true
}

// born registers the process of a start.
func (r *registry) born(a *starter.Attempt, c *Child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ours[c.pid] = c
	delete(r.starting, a)
}

// discard forgets a start that failed, and reaps its process.
func (r *registry) discard(a *starter.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pid := a.PID(); pid > 0 {
		reapPID(pid)
	}
	delete(r.starting, a)
}

// killStarting kills the process of a start, and reports whether it was in time: then
// the program hasn't begun, and never will.
func (r *registry) killStarting(a *starter.Attempt) (inTime bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid := a.PID()
	if pid == 0 || !r.starting[a] {
		return false
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	return !hasExecuted(pid)
}

// reapPID waits for the end of a process and reaps it.
func reapPID(pid int) (how unix.WaitStatus) {
	for {
		if _, err := unix.Wait4(pid, &how, 0, nil); err != unix.EINTR {
			return how
		}
	}
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
	how = reapPID(c.pid)
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
	forking.Lock() // between ForkExec and its registration a child looks like an orphan
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
	pids, unborn, err := r.strangers()
	if err != nil || len(pids) == 0 {
		return nil, err
	}
	// The kernel lists a process just before it tells the start its number.
	for _, a := range unborn {
		for r.isUnborn(a) {
			time.Sleep(unbornPause)
		}
		pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == a.PID() })
	}
	return pids, nil
}

// unbornPause is how soon a start is asked again for its process's number.
const unbornPause = 50 * time.Microsecond

// isUnborn says whether a start is making its process.
func (r *registry) isUnborn(a *starter.Attempt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.starting[a] && a.PID() == 0
}

// strangers gives the children that no start is known to have made, and the starts
// without a process yet.
func (r *registry) strangers() (pids []int, unborn []*starter.Attempt, err error) {
	list, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	starting := map[int]bool{}
	for a := range r.starting {
		if pid := a.PID(); pid > 0 {
			starting[pid] = true
		} else {
			unborn = append(unborn, a)
		}
	}
	for _, word := range strings.Fields(string(list)) {
		if pid, err := strconv.Atoi(word); err == nil && r.ours[pid] == nil && !starting[pid] {
			pids = append(pids, pid)
		}
	}
	return pids, unborn, nil
}
