package rpcd

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// spareThreads are made ahead: Go ends a program that can't have a thread when
// it wants one ("fatal error: newosproc"), so a procedure that takes all
// processes that there are (a fork bomb) would end rpcd, too. It keeps those
// that it has.
const spareThreads = 32

// SpareThreads makes threads for the time when there are no more to be had. It
// is called once, at the start; they cost some 8 KiB each, and count in the
// container's pids limit, of which they take a quarter at most.
func SpareThreads() {
	n := spareThreads
	if limit := processLimit(); limit > 0 {
		n = min(n, limit/4)
	}
	var ready, over sync.WaitGroup
	gate := make(chan struct{})
	for range n {
		ready.Add(1)
		over.Add(1)
		go func() {
			defer over.Done()
			runtime.LockOSThread() // while it waits, its thread serves nobody else
			defer runtime.UnlockOSThread()
			ready.Done()
			<-gate
		}()
	}
	ready.Wait()
	close(gate)
	over.Wait()
}

// processLimit is how many processes and threads there may be: the smallest of
// RLIMIT_NPROC (getrlimit(2)) and what the pids controller says (cgroups(7)).
// 0: no limit is known.
func processLimit() int {
	least := 0
	take := func(n uint64) {
		if n > 0 && n < 1<<22 && (least == 0 || int(n) < least) { // 1<<22: PID_MAX_LIMIT
			least = int(n)
		}
	}
	var l unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &l) == nil {
		take(l.Cur)
	}
	lines, _ := os.ReadFile("/proc/self/cgroup")
	files := []string{"/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"} // a container's own
	for line := range strings.Lines(string(lines)) {
		if words := strings.SplitN(strings.TrimSpace(line), ":", 3); len(words) == 3 {
			files = append(files,
				filepath.Join("/sys/fs/cgroup", words[2], "pids.max"),
				filepath.Join("/sys/fs/cgroup/pids", words[2], "pids.max"))
		}
	}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64) // "max" is no number
		take(n)
	}
	return least
}
