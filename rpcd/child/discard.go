package child

import (
	"errors"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/internal/openlimit"
	"rpcd/rpcd/child/starter"
)

// A close(2) may wait for as long as who sent the descriptor likes (SO_LINGER,
// socket(7)), or for ever: a file system flushes at each close, whether it's the last
// of the file or not. So what came from outside is closed by helpers.

// discards are the closes that go on or wait.
var discards = discardSet{classes: map[class]*classState{}}

// Strangers is the owner of what those have sent who may not call. They are one,
// since a user namespace has as many user IDs as its root likes.
const Strangers = ^uint32(0)

// The most descriptors of one owner that may be on their way to their close, before no
// more of them are taken: for strangers, and for one who may call. A share of the limit
// of open files, so that what hangs leaves room for everybody's calls.
var (
	mostOfStrangers = sync.OnceValue(func() int { return min(512, openlimit.Number()/8) })
	mostOfOne       = sync.OnceValue(func() int { return openlimit.Number() / 4 })
)

const (
	maxClosersOfOne = 16 // closes of one class side by side
	maxClosers      = 64 // and of all classes, before one that has none of them may have one more
)

// class is what shares maxClosersOfOne. A file system that hangs doesn't hold up the
// closes of its owner's pipes.
type class struct {
	owner uint32
	files bool
}

type classState struct {
	waiting []*discarding
	running int
	fds     int // of those that run and wait
}

// discarding is descriptors that are discarded together.
type discarding struct {
	fds  []int
	done chan struct{}
}

type discardSet struct {
	mu      sync.Mutex
	classes map[class]*classState // those with something to close
	running int                   // of all classes
}

// Discard has descriptors closed that an owner sent, and doesn't wait for it. They
// are Discard's. done is closed when all are closed.
func Discard(owner uint32, fds []int) (done <-chan struct{}) {
	var files, others []int
	for _, fd := range fds {
		switch closingOf(fd) {
		case closesAtOnce:
			unix.Close(fd)
		case isFile:
			files = append(files, fd)
		default:
			others = append(others, fd)
		}
	}
	a := discards.add(class{owner, true}, files)
	b := discards.add(class{owner, false}, others)
	switch {
	case len(files) == 0:
		return b
	case len(others) == 0:
		return a
	}
	both := make(chan struct{})
	go func() { <-a; <-b; close(both) }()
	return both
}

// Overfull reports whether so many descriptors of an owner are on their way to their
// close that no more are to be taken.
func Overfull(owner uint32) bool {
	if owner == Strangers {
		return discards.of(owner) >= mostOfStrangers()
	}
	return discards.of(owner) >= mostOfOne()
}

// of is how many descriptors of an owner are being closed or wait.
func (s *discardSet) of(owner uint32) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, files := range []bool{true, false} {
		if c := s.classes[class{owner, files}]; c != nil {
			n += c.fds
		}
	}
	return n
}

// closed is a channel that is.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (s *discardSet) add(k class, fds []int) <-chan struct{} {
	if len(fds) == 0 {
		return closed
	}
	d := &discarding{fds, make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.classes[k]
	if c == nil {
		c = &classState{}
		s.classes[k] = c
	}
	c.waiting = append(c.waiting, d)
	c.fds += len(fds)
	s.begin(k, c)
	return d.done
}

// begin begins the next close of a class, if there may be one more. s.mu is held.
func (s *discardSet) begin(k class, c *classState) {
	if len(c.waiting) == 0 || c.running >= maxClosersOfOne || c.running > 0 && s.running >= maxClosers {
		return
	}
	d := c.waiting[0]
	c.waiting = c.waiting[1:]
	c.running++
	s.running++
	go func() {
		closeAside(d.fds, k.files)
		close(d.done)
		s.end(k, c, len(d.fds))
	}()
}

func (s *discardSet) end(k class, c *classState, fds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.fds -= fds
	c.running--
	s.running--
	if c.running == 0 && len(c.waiting) == 0 {
		delete(s.classes, k)
	}
	s.begin(k, c)
	for k, c := range s.classes {
		if s.running >= maxClosers {
			return
		}
		s.begin(k, c)
	}
}

// lingerTimes are how long the close of something else than a file may wait, at the
// first try, the second and so on: a signal ends the wait of SO_LINGER, and the kernel
// goes on by itself. They grow, as the machine may be busy.
var lingerTimes = [...]unix.Itimerval{lingerTime(5), lingerTime(20), lingerTime(100), lingerTime(500)}

func lingerTime(milliseconds int64) unix.Itimerval {
	return unix.Itimerval{Value: unix.NsecToTimeval(milliseconds * int64(time.Millisecond))}
}

var noTime unix.Itimerval

// shortagePause is how soon a close is tried again for which there is no process or
// memory.
const shortagePause = 100 * time.Millisecond

// closeAside closes descriptors in a helper's process. Each is replaced there first,
// by one that nobody waits for: so its number stays in use, and the replacing can be
// repeated, since nobody knows how far it was when a signal ended the process.
func closeAside(fds []int, files bool) {
	try := 0
	for len(fds) > 0 {
		left, err := replaceAside(fds, files, &lingerTimes[try])
		fds = left
		switch {
		case errors.Is(err, starter.ErrGone):
			try = min(try+1, len(lingerTimes)-1)
		case errors.Is(err, starter.ErrUnsupported):
			closeHere(fds) // a thread of ours may hang for it
			return
		case err != nil:
			time.Sleep(shortagePause)
		}
	}
}

func replaceAside(fds []int, files bool, limit *unix.Itimerval) (left []int, err error) {
	timer := func(v *unix.Itimerval) starter.Call {
		return starter.Call{Number: unix.SYS_SETITIMER, Args: [6]uintptr{unix.ITIMER_REAL, uintptr(unsafe.Pointer(v))}}
	}
	var calls []starter.Call
	for _, fd := range fds {
		if !files {
			calls = append(calls, timer(limit))
		}
		calls = append(calls, starter.Call{Number: unix.SYS_DUP3, Args: [6]uintptr{uintptr(helpers.null), uintptr(fd), unix.O_CLOEXEC}})
	}
	step := len(calls) / len(fds)
	if !files {
		calls = append(calls, timer(&noTime))
	}
	err = helpers.do(calls)
	for i, fd := range fds {
		if calls[(i+1)*step-1].Result == starter.Unmade {
			left = append(left, fd)
		} else {
			unix.Close(fd)
		}
	}
	return left, err
}

func closeHere(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// closing is how a descriptor closes.
type closing int

const (
	closesAtOnce closing = iota // the kernel's own: /dev/null and its like, memory
	isFile                      // of a file system, which may not answer
	mayLinger                   // all others
)

// closingOf asks the kernel what a descriptor is. No request goes to a file system.
func closingOf(fd int) closing {
	const memory = 1 // the major number of /dev/null and its like, Documentation/admin-guide/devices.txt
	var st unix.Statx_t
	if unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st) != nil {
		return mayLinger
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		if st.Rdev_major == memory {
			return closesAtOnce
		}
	case unix.S_IFREG:
		if isMemory(fd) {
			return closesAtOnce
		}
		return isFile
	case unix.S_IFDIR, unix.S_IFLNK:
		return isFile
	}
	return mayLinger
}

// isMemory reports whether a file lies in the kernel's memory: a memfd, or a file of a
// tmpfs. They alone have seals (F_GET_SEALS, fcntl(2)), and nothing to flush.
func isMemory(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	return err == nil
}

// idle reports whether nothing goes on or waits.
func (s *discardSet) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.classes) == 0
}

const (
	// leaveTime is how long Leave waits for closes that take no longer than most.
	leaveTime = 200 * time.Millisecond
	leaveStep = 5 * time.Millisecond
	// guardTime is how long it waits for the guardian, which somebody may have stopped,
	// and for the end of helpers.
	guardTime = time.Second
)

// Leave is for the moment before this process ends. The kernel closes what is open
// then, so that the end could wait as any close does. If something is still to be
// closed, the guardian stays for that, and this process can end. Else no process of
// ours is left: systemd waits for those that it finds after the end.
func Leave() {
	for end := time.Now().Add(leaveTime); !discards.idle(); time.Sleep(leaveStep) {
		if time.Now().After(end) {
			within(guardTime, helpers.guard.begin)
			return
		}
	}
	within(guardTime, helpers.rest)
}

// within calls f, and waits this long at most.
func within(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(d):
	}
}
