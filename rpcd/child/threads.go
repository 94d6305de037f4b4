package child

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/cgroup"
)

// prestarted is how many threads are made ahead. Each costs some 8 KiB.
const prestarted = 32

// PrestartThreads makes the threads that rpcd will need when there are no more
// to be had. A procedure may take all processes that the limit allows (a fork
// bomb), and Go ends a program that needs a thread and can't get one ("fatal
// error: newosproc"). The runtime keeps threads that it has. They count in the
// container's pids limit, and are a quarter of it at most.
func PrestartThreads() {
	n := prestarted
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
			runtime.LockOSThread() // so that each goroutine needs a thread of its own
			defer runtime.UnlockOSThread()
			ready.Done()
			<-gate
		}()
	}
	ready.Wait()
	close(gate)
	over.Wait()
}

// processLimit is how many processes and threads there may be: the smaller one
// of RLIMIT_NPROC, which doesn't bind root (getrlimit(2)), and the cgroups' pids
// limit. 0: no limit is known.
func processLimit() int {
	limit := cgroup.PidsMax()
	var l unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &l) == nil && l.Cur > 0 && l.Cur < cgroup.PidMaxLimit && (limit == 0 || int(l.Cur) < limit) {
		limit = int(l.Cur)
	}
	return limit
}
