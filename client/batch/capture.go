package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// capture holds what a call writes to one of its outputs: the start of it in memory,
// and the rest in a file that has no name.
//
// It reads the pipe once the call has ended, or has run for a while: a short call
// costs no goroutine for it. What is in the pipe when the call ends is read, and no
// more: another process may hold it open for ever.
type capture struct {
	fd    int      // of the pipe, or -1
	pipe  *os.File // has fd while a goroutine reads
	begin *time.Timer
	read  chan struct{} // closed: no goroutine reads any more

	mu    sync.Mutex
	ended bool // the goroutine is not to begin

	head []byte
	file *os.File // what is over maxHead
	size int64
	err  error
}

// maxHead is how many bytes of an output are kept in memory. A slot has ten outputs at
// most: two of the call that runs, and those that are held back.
const maxHead = 64 << 10

// patience is how long an output isn't read while its call runs: most calls of
// resident workers have ended then. A pipe takes 64 KiB meanwhile (pipe(7)). Where
// outputs are longer, they are read at once.
const patience = 20 * time.Millisecond

// newCapture gives the end to write, too, which the caller closes. With patient the
// output is expected to be short.
func newCapture(patient bool) (*capture, *os.File, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	c := &capture{fd: ends[0], read: make(chan struct{})}
	wait := time.Duration(0)
	if patient {
		wait = patience
	}
	c.begin = time.AfterFunc(wait, c.follow)
	return c, os.NewFile(uintptr(ends[1]), "output"), nil
}

// isLong says whether the output would have held up its call for patience, or nearly.
func (c *capture) isLong() bool { return c.size > maxHead/2 }

var scratches = sync.Pool{New: func() any { return new([maxHead]byte) }}

// follow reads the pipe while the call runs.
func (c *capture) follow() {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	if c.err = unix.SetNonblock(c.fd, true); c.err == nil {
		c.pipe = os.NewFile(uintptr(c.fd), "output") // which can be interrupted
	}
	c.mu.Unlock()
	if c.pipe == nil {
		return
	}
	defer close(c.read)
	for {
		// No buffer is taken before there is something to read: most calls that run for
		// long are silent.
		raw, err := c.pipe.SyscallConn()
		if err == nil {
			err = raw.Read(func(fd uintptr) bool { return !c.readOnce(int(fd), maxHead) || c.err != nil })
		}
		if err != nil || c.err != nil {
			return
		}
	}
}

// readOnce reads what there is, once and so many bytes at most. It says whether more
// may come later: nothing was there just now.
func (c *capture) readOnce(fd, most int) (later bool) {
	scratch := scratches.Get().(*[maxHead]byte)
	defer scratches.Put(scratch)
	n, err := unix.Read(fd, scratch[:min(most, maxHead)])
	switch {
	case err == unix.EAGAIN:
		return true
	case err == unix.EINTR:
		return false
	case err != nil:
		c.err = err
	case n == 0:
		c.err = io.EOF
	default:
		c.keep(scratch[:n])
	}
	return false
}

// keep takes bytes of the output.
func (c *capture) keep(p []byte) {
	c.size += int64(len(p))
	if c.file == nil && len(c.head)+len(p) <= maxHead {
		c.head = append(c.head, p...)
		return
	}
	if c.file == nil {
		if c.file, c.err = nameless(); c.err != nil {
			return
		}
	}
	if _, err := c.file.Write(p); err != nil {
		c.err = err
	}
}

// nameless makes a file in the folder for temporary files that no name leads to.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "rpc-map-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// finish takes what is in the pipe. The call is over. It gives the error of keeping
// the output. It may be called for nil, and again.
func (c *capture) finish() error {
	if c == nil || c.fd < 0 {
		return nil
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.begin.Stop()
	if c.pipe != nil {
		_ = c.pipe.SetReadDeadline(time.Now())
		<-c.read
	}
	if c.err == nil {
		c.drain()
	}
	if c.pipe != nil {
		c.pipe.Close()
	} else {
		unix.Close(c.fd)
	}
	c.fd = -1
	if c.err != nil && !errors.Is(c.err, io.EOF) {
		return fmt.Errorf("cannot keep its output: %w (see TMPDIR)", c.err)
	}
	return nil
}

// drain reads what the pipe holds now. Who writes on isn't waited for.
func (c *capture) drain() {
	left, err := unix.IoctlGetInt(c.fd, unix.TIOCINQ)
	if err != nil {
		c.err = err
	}
	for until := c.size + int64(left); c.err == nil && c.size < until; {
		if c.readOnce(c.fd, int(until-c.size)) {
			return
		}
	}
}

// close frees the output. It may be called for nil.
func (c *capture) close() {
	if c == nil {
		return
	}
	_ = c.finish()
	if c.file != nil {
		c.file.Close()
		c.file = nil
	}
}

// reader reads the output from its start. It may be called for nil.
func (c *capture) reader() (io.Reader, error) {
	switch {
	case c == nil:
		return strings.NewReader(""), nil
	case c.file == nil:
		return bytes.NewReader(c.head), nil
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.MultiReader(bytes.NewReader(c.head), c.file), nil
}
