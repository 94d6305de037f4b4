package stream

import (
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// leastSplice is the least number of bytes in a frame that are spliced. Fewer are
// cheaper to copy.
const leastSplice = 32 << 10

// passage is two pipes of our own between the procedure's pipe and the socket. What
// lies in them nobody else can take, so a frame's header can promise it.
//
// The passage finds where the procedure's writes end. The kernel keeps a pipe as a
// row of buffers, a page each. A write of up to a page lies whole in one of them
// (fs/pipe.c, pipe_write), and splice(2) moves whole buffers from pipe to pipe. So
// what moves into a pipe that has room for one buffer ends where a write ends. And
// what fills a pipe to the last byte is full pages.
//
// States: new; open; useless (no descriptor, no splice(2) or no such kernel is to
// be had). new goes to both of the others, open to useless.
type passage struct {
	many    row // of up to outPipe bytes
	one     row // of one buffer
	opened  bool
	useless bool
}

// row is a pipe with room for so many buffers. It is empty, but between take and
// the use of what was taken.
type row struct {
	ends [2]int // to read, to write
	room int
}

// usable opens the passage when it is asked first.
func (p *passage) usable() bool {
	if !p.opened && !p.useless {
		p.open()
	}
	return !p.useless
}

func (p *passage) open() {
	if unix.Pipe2(p.many.ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil { // at the limit of descriptors
		p.useless = true
		return
	}
	if unix.Pipe2(p.one.ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		closeAll(p.many.ends[:])
		p.useless = true
		return
	}
	p.opened = true
	p.many.resize(2)
	p.one.resize(1)
	p.useless = !p.keepsWrites()
}

// keepsWrites tries whether the kernel keeps writes as the passage needs it. A
// sandbox's own kernel doesn't, nor one with larger pages.
func (p *passage) keepsWrites() bool {
	if p.many.room < 2 || p.one.room != 1 {
		return false
	}
	b := make([]byte, 3*wire.PipeBuf/4) // two of them take two pages
	for range 2 {
		if n, _ := unix.Write(p.many.ends[1], b); n != len(b) {
			return false
		}
	}
	first := p.next()
	rest := make([]byte, 2*len(b))
	_, _ = unix.Read(p.one.ends[0], rest)
	_, _ = unix.Read(p.many.ends[0], rest)
	return first == len(b)
}

// take moves up to most bytes from the procedure's pipe into the empty passage, and
// gives the row that has them. If full, they are whole pages. Else they are one
// buffer in one, or several in many, which next splits. It doesn't wait: another process that reads the pipe
// may have been quicker, and n is 0 then. most is at least wire.PipeBuf.
func (p *passage) take(from *os.File, most int) (r *row, n int, full bool) {
	r = &p.one
	if buffers := powerOfTwo(most / wire.PipeBuf); buffers > 1 {
		r = &p.many
		r.resize(buffers)
	}
	n = p.fill(r, from, r.room*wire.PipeBuf)
	return r, n, n == r.room*wire.PipeBuf
}

// takeAll is take for bytes that needn't be pages, at whose end a write ended. half
// says that the buffers that they lie in are half full at least.
func (p *passage) takeAll(from *os.File, most int) (r *row, n int, half bool) {
	r = &p.many
	r.resize(powerOfTwo((2*most - 1) / wire.PipeBuf))
	n = p.fill(r, from, most)
	return r, n, n >= r.room*wire.PipeBuf/2
}

func (p *passage) fill(r *row, from *os.File, most int) (n int) {
	var err error
	if control(from, func(fd int) { n, err = r.fill(fd, most) }) != nil {
		return 0
	}
	p.useless = p.useless || err != nil && err != unix.EAGAIN // a sandbox forbids splice
	return n
}

// next moves one buffer from many to one, and gives its length.
func (p *passage) next() int {
	n, _ := p.one.fill(p.many.ends[0], wire.PipeBuf)
	return n
}

// fill moves as many buffers as there is room for, up to most bytes.
func (r *row) fill(from, most int) (int, error) {
	n, err := unix.Splice(from, nil, r.ends[1], nil, most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	return int(max(n, 0)), err
}

// resize makes room for so many buffers, a power of two. The kernel may allow
// fewer (pipe(7), pipe-user-pages-soft).
func (r *row) resize(buffers int) {
	if r.room == buffers {
		return
	}
	size, err := unix.FcntlInt(uintptr(r.ends[1]), unix.F_SETPIPE_SZ, buffers*wire.PipeBuf)
	if err != nil {
		size, _ = unix.FcntlInt(uintptr(r.ends[1]), unix.F_GETPIPE_SZ, 0)
	}
	r.room = size / wire.PipeBuf
}

// powerOfTwo gives the largest one up to n, which is at least 1, and at most what
// fits into outPipe.
func powerOfTwo(n int) int {
	for p := outPipe / wire.PipeBuf; ; p /= 2 {
		if p <= n || p == 1 {
			return p
		}
	}
}

// close closes it, with what lies in it.
func (p *passage) close() {
	if p.opened {
		closeAll(p.many.ends[:])
		closeAll(p.one.ends[:])
		p.opened, p.useless = false, true
	}
}
