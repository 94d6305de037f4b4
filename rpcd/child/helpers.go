package child

import (
	"fmt"
	"os"
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

	mu    sync.Mutex
	idle  []*starter.Helper // the last one was used last
	timer *time.Timer       // of helperRest
}

// setup makes some helpers. Setup calls it.
func (s *helperSet) setup() (err error) {
	if s.null, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("make an eventfd: %w", err)
	}
	for range readyHelpers {
		if h, err := starter.NewHelper(); err == nil {
			s.idle = append(s.idle, h)
		}
	}
	s.timer = time.AfterFunc(helperRest, s.rest)
	return nil
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

func (s *helperSet) take() (*starter.Helper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 {
		return starter.NewHelper()
	}
	h := s.idle[last]
	s.idle = s.idle[:last]
	return h, nil
}

func (s *helperSet) give(h *starter.Helper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) >= readyHelpers {
		go h.Close()
		return
	}
	s.idle = append(s.idle, h)
	if s.timer != nil {
		s.timer.Reset(helperRest)
	}
}

// rest ends the processes of all helpers that have nothing to do.
func (s *helperSet) rest() {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, h := range idle {
		h.Rest()
	}
	s.mu.Lock()
	s.idle = append(s.idle, idle...)
	s.mu.Unlock()
}

// open opens a file by openat2(2) with rpcd's rights, in a helper's process: a file
// system that doesn't answer then keeps nobody from ending rpcd. Where there can be
// no helper, this thread does it. The error is openat2(2)'s.
func (s *helperSet) open(name string, how *unix.OpenHow) (int, error) {
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

// currentDirectory is AT_FDCWD.
const currentDirectory = ^uintptr(99)

// leave has a helper's process outlive this one, with this one's descriptors. Without
// a process to be had, there is none. One that somebody has stopped
// (SIGSTOP) doesn't answer: the next is asked.
func (s *helperSet) leave() {
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return
	}
	for range readyHelpers + 1 {
		h, err := s.take()
		if err != nil {
			return
		}
		stays := make(chan error, 1)
		go func() { stays <- h.Stay(self) }()
		select {
		case <-stays:
			return
		case <-time.After(leaveTime):
		}
	}
}
