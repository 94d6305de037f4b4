package child

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/starter"
)

// helpers make the system calls that may hang. Their processes are there only while
// they are needed, and shortly after.
var helpers helperSet

const (
	// readyHelpers is how many helpers are made ahead, before strangers can take
	// the descriptors that each needs.
	readyHelpers = 4
	// helperRest is when the processes of helpers end that have nothing to do. To
	// make one takes longer than most jobs.
	helperRest = time.Second
)

type helperSet struct {
	null int // a descriptor that closes at once

	mu      sync.Mutex
	idle    []*starter.Helper // the last one was used last
	running int               // jobs, and starts that hang
	timer   *time.Timer       // of helperRest

	guard guardian
}

// setup makes some helpers. Setup calls it.
func (s *helperSet) setup() (err error) {
	if s.null, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("make an eventfd: %w", err)
	}
	for range readyHelpers {
		if h, err := s.make(); err == nil {
			s.idle = append(s.idle, h)
		}
	}
	if err := s.guard.setup(); err != nil {
		return err
	}
	s.timer = time.AfterFunc(helperRest, s.rest)
	return nil
}

// make makes a helper. Where one of its jobs takes long, there is a guardian.
func (s *helperSet) make() (*starter.Helper, error) {
	h, err := starter.NewHelper()
	if err == nil {
		h.Late = s.guard.begin
	}
	return h, err
}

// do makes calls in a helper's process. It returns when they are made, which may be
// never. The error is starter's.
func (s *helperSet) do(calls []starter.Call, keep ...any) error {
	h, err := s.take()
	if err != nil {
		return err
	}
	defer s.give(h)
	return h.Do(calls, keep...)
}

func (s *helperSet) take() (h *starter.Helper, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.idle) - 1; last >= 0 {
		h = s.idle[last]
		s.idle = s.idle[:last]
	} else if h, err = s.make(); err != nil {
		return nil, err
	}
	s.running++
	return h, nil
}

func (s *helperSet) give(h *starter.Helper) {
	s.answer()
	s.keep(h)
}

// hang says that a start hangs, during which there is a guardian as in a job: this
// process would close the call's descriptors as it ends.
func (s *helperSet) hang() {
	s.mu.Lock()
	s.running++
	s.mu.Unlock()
	go s.guard.begin()
}

// answer says that a job or a start that hung is over.
func (s *helperSet) answer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if s.timer != nil {
		s.timer.Reset(helperRest)
	}
}

// keep has a helper wait for the next job, or closes it where enough do.
func (s *helperSet) keep(h *starter.Helper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) >= readyHelpers {
		go h.Close()
		return
	}
	s.idle = append(s.idle, h)
}

// rest ends the processes of all helpers that have nothing to do.
func (s *helperSet) rest() {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil // jobs that come meanwhile make helpers of their own
	s.mu.Unlock()
	for _, h := range idle {
		h.Rest()
		s.keep(h)
	}
	s.guard.end(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.running == 0
	})
}

// open opens a file by openat2(2) with rpcd's rights, for nothing but its path (O_PATH).
// What the kernel knows by heart is opened here: it asks no file system then
// (RESOLVE_CACHED, Linux 5.12). All else a helper's process opens: a file system that
// doesn't answer then keeps nobody from ending rpcd. Where there can be no helper, this
// thread does it. The error is openat2(2)'s.
func (s *helperSet) open(name string, how *unix.OpenHow) (int, error) {
	cached := *how
	cached.Resolve |= resolveCached
	if fd, err := unix.Openat2(unix.AT_FDCWD, name, &cached); err == nil {
		return fd, nil
	}
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	calls := []starter.Call{{Number: unix.SYS_OPENAT2, Args: [6]uintptr{currentDirectory, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(how)), unix.SizeofOpenHow}}}
	if s.timer == nil || s.do(calls, path, how) != nil {
		return unix.Openat2(unix.AT_FDCWD, name, how)
	}
	if result := calls[0].Result; result < 0 {
		return -1, unix.Errno(-result)
	}
	return int(calls[0].Result), nil
}

// resolveCached is RESOLVE_CACHED, linux/openat2.h.
const resolveCached = 0x20

// currentDirectory is AT_FDCWD.
const currentDirectory = ^uintptr(99)
