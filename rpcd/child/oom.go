package child

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// handicap is by how much a child is likelier to be chosen when memory runs
// out, in thousandths of it (proc(5), oom_score_adj): a fifth is more than rpcd
// has in all but the smallest containers.
const handicap = 200

// score is rpcd's own oom_score_adj. Children inherit it: it is raised around
// the fork. Without it (-1) they have rpcd's.
var score = &oomScore{fd: -1}

type oomScore struct{ fd int }

// open opens the file, which belongs to root once rpcd isn't dumpable.
func (o *oomScore) open() {
	if fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		o.fd = fd
	}
}

// raise raises it and gives what sets it back: lowering needs no privilege down
// to where it was. The forking lock is held.
func (o *oomScore) raise() (back func()) {
	var b [16]byte
	n, err := unix.Pread(o.fd, b[:], 0)
	if err != nil {
		return func() {}
	}
	own := strings.TrimSpace(string(b[:n]))
	now, err := strconv.Atoi(own)
	if err != nil || now >= 1000 {
		return func() {}
	}
	_, _ = unix.Pwrite(o.fd, strconv.AppendInt(nil, int64(min(now+handicap, 1000)), 10), 0)
	return func() { _, _ = unix.Pwrite(o.fd, []byte(own), 0) }
}
