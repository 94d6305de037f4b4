package child

import (
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// extraScore is added to a child's oom_score_adj, in thousandths of the memory
// (proc(5)), so that the kernel ends a child before rpcd when memory runs out. A
// fifth is more than rpcd uses in all but the smallest containers.
const extraScore = 200

// score is rpcd's own oom_score_adj. Children inherit it, so it is raised around
// each fork.
var score = &oomScore{fd: -1}

type oomScore struct {
	fd int // -1: it can't be raised, and children have rpcd's

	mu     sync.Mutex
	starts int    // those that want it raised
	own    string // rpcd's own, while it's raised; "": it couldn't be
}

// open opens the file. Once rpcd isn't dumpable, it belongs to root.
func (o *oomScore) open() {
	if fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		o.fd = fd
	}
}

// raise raises the score as long as some start is going on; restore ends that for
// this one. Lowering it to a value that it had before needs no privilege.
func (o *oomScore) raise() (restore func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.starts++; o.starts == 1 {
		o.set()
	}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.starts--; o.starts == 0 && o.own != "" {
			_, _ = unix.Pwrite(o.fd, []byte(o.own), 0)
		}
	}
}

// set raises the score once, and remembers what it was.
func (o *oomScore) set() {
	o.own = ""
	var b [16]byte
	n, err := unix.Pread(o.fd, b[:], 0)
	if err != nil {
		return
	}
	own := strings.TrimSpace(string(b[:n]))
	if now, err := strconv.Atoi(own); err == nil && now < 1000 {
		o.own = own
		_, _ = unix.Pwrite(o.fd, strconv.AppendInt(nil, int64(min(now+extraScore, 1000)), 10), 0)
	}
}
