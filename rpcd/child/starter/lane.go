package starter

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Lane brings one process after the other its descriptors. It is a pair of
// sockets. In flight nothing is flushed or closed.
type Lane struct{ tx, rx int }

// kernelBlock is how many descriptors the kernel copies together into a new table
// (BITS_PER_LONG, sane_fdtable_size in fs/file.c). What it then finds outside of
// the range, it closes.
const kernelBlock = 64

// lowest is where the descriptors begin that no new process has, a multiple of
// kernelBlock: beyond the receiving ends of all lanes.
var lowest atomic.Int64

// NewLanes makes lanes, and sees to it that whatever is opened later lies beyond
// what a new process gets, as long as nothing is closed that is open now. With few
// descriptors (below 8 blocks of them) that isn't done.
func NewLanes(n int) (lanes []*Lane, err error) {
	for range n {
		l, err := newPair()
		if err != nil {
			break
		}
		lanes = append(lanes, l)
		lowest.Store(max(lowest.Load(), int64(l.rx/kernelBlock+1)*kernelBlock))
	}
	var limit unix.Rlimit
	if len(lanes) == 0 || unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur < 8*kernelBlock {
		return lanes, err
	}
	for {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC) // which no close(2) waits for
		if err != nil || int64(fd) >= lowest.Load() {
			unix.Close(fd)
			return lanes, err
		}
	}
}

func newPair() (*Lane, error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	return &Lane{tx: p[1], rx: p[0]}, nil
}

// Clear drops what a process that failed has left in the lane. Numbers stay the
// same. No descriptor in it is the last of its file: the caller of Prepare has
// them.
func (l *Lane) Clear() error {
	p, err := newPair()
	if err != nil {
		return err
	}
	defer unix.Close(p.tx)
	defer unix.Close(p.rx)
	if err := unix.Dup3(p.rx, l.rx, unix.O_CLOEXEC); err != nil {
		return err
	}
	return unix.Dup3(p.tx, l.tx, unix.O_CLOEXEC)
}
