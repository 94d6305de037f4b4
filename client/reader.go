package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// reader reads the caller's stdin for the procedure, or a file beyond 2, as much as
// the worker gives credit for.
type reader struct {
	k        *call
	number   uint8
	out      *wire.Out
	fd       int // ours
	f        *os.File
	is       fileType // what fd is
	keys     bool     // fd is typed into a terminal of the procedure's
	hasMore  bool     // when it was read last, bytes were left
	wakeR    int      // readable: stop
	wakeW    int
	wakeOnce sync.Once
	done     chan struct{}         // closed: run has ended
	sent     atomic.Int64          // bytes read from the file, whether they arrived or not
	failed   atomic.Pointer[error] // of the caller's file
}

var errStopped = errors.New("stopped")

// inFrame is how many bytes of stdin go in one frame. With its header it is
// 8 KiB, which socat moves at once.
const inFrame = 8<<10 - wire.HeaderLen

// newReader takes fd over, also when it fails. keys says that the procedure has a
// terminal, into which all is typed.
func newReader(k *call, number uint8, fd int, f *os.File, keys bool) (*reader, error) {
	r := &reader{k: k, number: number, fd: fd, f: f, keys: keys, done: make(chan struct{}), out: k.Relay.Out(number, 0)}
	var p [2]int
	var err error
	if r.is, err = examine(fd); err == nil {
		err = unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	r.wakeR, r.wakeW = p[0], p[1]
	if r.is.terminal && !keys {
		r.out.Line()
	}
	r.out.Frames(inFrame)
	r.out.OnClosed(r.wake)
	return r, nil
}

// close is for a reader that doesn't run.
func (r *reader) close() {
	r.wake()
	unix.Close(r.wakeR)
	unix.Close(r.fd)
}

// wake ends a wait for input: the procedure reads no more.
func (r *reader) wake() { r.wakeOnce.Do(func() { unix.Close(r.wakeW) }) }

func (r *reader) run() {
	defer close(r.done)
	defer unix.Close(r.wakeR)
	err := r.send()
	if !r.is.seekable {
		unix.Close(r.fd)
	}
	if r.number == 0 { // the others were, at the start
		r.k.release(r.f)
	}
	var failed *fileError
	if errors.As(err, &failed) {
		r.failed.Store(&failed.err)
	}
	if err == nil || failed != nil { // a file that can't be read ends, as for a local process
		_ = r.out.Close()
	}
}

// send sends the file to its end.
func (r *reader) send() error {
	if r.is.null { // at its end, also where it is write-only, as nohup(1) leaves it
		return nil
	}
	if err := readable(r.fd); err != nil {
		return &fileError{err}
	}
	frame := r.out.DataFrame()
	defer frame.Free()
	for {
		most, err := r.out.Credit(context.Background())
		if err != nil {
			return err
		}
		n, err := r.read(frame.Room(most))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		asks := r.asksForEnd(frame.Room(most)[:n])
		if err := frame.Send(n, r.more()); err != nil {
			return err
		}
		if asks {
			r.k.AskSign()
		}
	}
}

// asksForEnd reports whether somebody has typed a key that ends what runs in a terminal
// (^C, ^\\). A worker that says nothing then is frozen, and no other key would end the
// call.
func (r *reader) asksForEnd(b []byte) bool {
	if !r.keys || !r.is.terminal {
		return false
	}
	m := r.k.cmd.terminal.Modes
	return m != nil && (bytes.IndexByte(b, m.Characters[unix.VINTR]) >= 0 || bytes.IndexByte(b, m.Characters[unix.VQUIT]) >= 0)
}

// more reports whether the file has bytes that can be read at once.
func (r *reader) more() bool {
	r.hasMore = false
	if !r.is.terminal {
		n, err := unix.IoctlGetInt(r.fd, unix.TIOCINQ)
		r.hasMore = err == nil && n > 0
	}
	return r.hasMore
}

// stop ends the reading; the call is over. It waits only for a read of a file,
// which can't block. Of a pipe or a terminal another reader may have been
// quicker.
func (r *reader) stop() {
	r.wake()
	if r.is.seekable {
		<-r.done
	}
}

// setBack moves a seekable input back to where the procedure stopped reading. Other
// readers of the caller share this position. consumed is how many bytes the
// procedure took, or -1 if that isn't known.
func (r *reader) setBack(consumed int64) {
	if !r.is.seekable {
		return
	}
	if sent := r.sent.Load(); consumed >= 0 && consumed < sent {
		_, _ = unix.Seek(r.fd, consumed-sent, io.SeekCurrent)
	}
	unix.Close(r.fd)
}

// backgroundPoll is how often a job in the background looks whether it has come
// to the foreground. No event says so.
const backgroundPoll = 100 * time.Millisecond

// read waits for input and reads it: from a terminal only in the foreground.
func (r *reader) read(p []byte) (int, error) {
	for {
		wait := -1
		events := int16(unix.POLLIN)
		if r.is.terminal && !foreground(r.fd) {
			wait, events = int(backgroundPoll/time.Millisecond), 0
		}
		fds := []unix.PollFd{{Fd: int32(r.fd), Events: events}, {Fd: int32(r.wakeR), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, wait); err != nil && err != unix.EINTR {
			return 0, &fileError{err}
		}
		if fds[1].Revents != 0 {
			return 0, errStopped
		}
		if fds[0].Revents == 0 {
			continue
		}
		if r.is.pipe && !r.hasMore {
			// Who has written a head may be about to write what belongs to it, as
			// tar does to rmt. In one frame they need no acknowledgment in between.
			_, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
		n, err := unix.Read(r.fd, p)
		switch {
		case n > 0:
			r.sent.Add(int64(n))
			return n, nil
		case err == unix.EINTR, err == unix.EAGAIN:
		case err == unix.EIO && r.is.terminal && !foreground(r.fd): // where SIGTTIN is ignored
		case err == nil, err == unix.EIO && r.is.terminal, err == unix.ECONNRESET && r.number > 2:
			return 0, io.EOF
		default:
			return 0, &fileError{err}
		}
	}
}

// foreground reports whether this process may read the terminal without being
// stopped (tcgetpgrp(3)). A terminal that isn't ours is read as any file.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
