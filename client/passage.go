package client

import (
	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
)

// passage is a pipe of ours between the connection and a pipe of the caller, for
// what is spliced.
type passage struct{ ends [2]int } // to read, to write

// passageSize is the room of a passage in bytes: twice the window. A pipe counts
// in whole pages (fcntl(2), F_SETPIPE_SZ), and those that come are half full at
// least.
const passageSize = 2 * outWindow

// openPassage gives nil if the system allows no more pipes of that size (pipe(7),
// pipe-user-pages-soft), or no descriptors for the connection beside it.
func openPassage() *passage {
	p := &passage{}
	if unix.Pipe2(p.ends[:], unix.O_CLOEXEC) != nil {
		return nil
	}
	_, err := unix.FcntlInt(uintptr(p.ends[1]), unix.F_SETPIPE_SZ, passageSize)
	if err != nil || fdconn.CheckDescriptors() != nil {
		p.close()
		return nil
	}
	return p
}

// close may be called for nil.
func (p *passage) close() {
	if p != nil {
		unix.Close(p.ends[0])
		unix.Close(p.ends[1])
	}
}
