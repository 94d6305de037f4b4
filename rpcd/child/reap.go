package child

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// children are the processes that Start made and nobody has reaped yet.
var children = &registry{ours: map[int]*Child{}, bell: make(chan struct{})}

type registry struct {
	mu   sync.Mutex
	ours map[int]*Child
	bell chan struct{} // closed and replaced at each SIGCHLD
}

func (r *registry) add(c *Child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ours[c.PID] = c
}

// reap reaps a dead child and forgets it, in one: its number may come again at
// once. It says how the child ended.
func (r *registry) reap(c *Child) (how unix.WaitStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if _, err := unix.Wait4(c.PID, &how, 0, nil); err != unix.EINTR {
			break
		}
	}
	delete(r.ours, c.PID)
	return how
}

// died gives a channel that is closed at the next death of a child.
func (r *registry) died() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bell
}

func (r *registry) ring() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.bell)
	r.bell = make(chan struct{})
}

// reapPause is how long orphans may lie before they are reaped together.
const reapPause = 20 * time.Millisecond

// Setup makes the process a supervisor: it adopts what its children leave
// behind (PR_SET_CHILD_SUBREAPER, prctl(2)) and reaps those orphans, as PID 1
// as well as elsewhere; descriptors that it inherited beyond 2 don't reach its
// children, and neither do ignored signals. From then on no process of the same
// user can trace it, or read its memory, environment and descriptors
// (PR_SET_DUMPABLE); children are as others are, by their execve(2). It is
// called once, before Start.
func Setup() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become a subreaper: %w", err)
	}
	score.open() // afterwards the file is root's
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("become undumpable: %w", err)
	}
	closeOnExec()
	defaultDispositions()
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, unix.SIGCHLD)
	go func() {
		for range deaths {
			children.ring()
			reapOrphans()
			// Deaths of the pause ring once more: the channel holds one.
			time.Sleep(reapPause)
		}
	}()
	return nil
}

// reapOrphans reaps the dead children that Start didn't make.
func reapOrphans() {
	forking.Lock() // between fork and registration a child of ours looks like an orphan
	defer forking.Unlock()
	pids, err := children.orphans()
	if err != nil {
		return // no CONFIG_PROC_CHILDREN: the init process reaps at our end
	}
	for _, pid := range pids {
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
}

// orphans gives the children that Start didn't make. Orphans go to the main
// thread's list (find_new_reaper, kernel/exit.c).
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

// adopted reports whether there may be an orphan.
func (r *registry) adopted() bool {
	pids, err := r.orphans()
	return err != nil || len(pids) > 0
}
