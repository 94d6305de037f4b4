package stream

import (
	"os"

	"golang.org/x/sys/unix"
)

// leastSplice is the least number of bytes in a frame that are spliced. Fewer are
// cheaper to copy.
const leastSplice = 32 << 10

// passage is a pipe of our own between the procedure's pipe and the socket. What
// lies in it nobody else can take, so a frame's header can promise it.
//
// States: new; open; useless (no descriptor or no splice(2) is to be had: bytes
// are copied). new goes to both of the others, open to useless.
type passage struct {
	ends    [2]int // to read, to write
	opened  bool
	useless bool
}

// take moves up to n bytes from the procedure's pipe into the empty passage, and
// gives how many. It doesn't wait: another process that reads the pipe may have
// been quicker.
func (p *passage) take(from *os.File, n int) int {
	if p.useless || !p.open() {
		return 0
	}
	moved := 0
	var err error
	if control(from, func(fd int) {
		k, failed := unix.Splice(fd, nil, p.ends[1], nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		moved, err = int(k), failed // int64 or int, as the architecture has it
	}) != nil {
		return 0
	}
	p.useless = err != nil && err != unix.EAGAIN // a sandbox without splice
	return max(moved, 0)
}

func (p *passage) open() bool {
	if p.opened {
		return true
	}
	if unix.Pipe2(p.ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil { // at the limit of descriptors
		p.useless = true
		return false
	}
	_, _ = unix.FcntlInt(uintptr(p.ends[1]), unix.F_SETPIPE_SZ, outPipe)
	p.opened = true
	return true
}

// close closes it, with what lies in it.
func (p *passage) close() {
	if p.opened {
		closeAll(p.ends[:])
		p.opened, p.useless = false, true
	}
}
