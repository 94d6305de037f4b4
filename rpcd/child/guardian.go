package child

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/starter"
)

// guardian is a process that is there while a helper's job takes long, or a start hangs.
// It stays when this process ends. A helper that hangs can't be killed before its file
// system answers, and has this process's descriptors meanwhile. So callers wouldn't
// notice the end, and the next rpcd would find this one's socket and lock. The guardian
// gives these up.
type guardian struct {
	mu     sync.Mutex
	helper *starter.Helper // nil: this machine has none
	self   int             // pidfd of this process
	stays  bool
	will   starter.Will
}

// setup makes what the guardian needs, before strangers can take all descriptors.
func (g *guardian) setup() (err error) {
	if g.self, err = unix.PidfdOpen(os.Getpid(), 0); err != nil {
		return nil // before Linux 5.3 there are no helpers either
	}
	if g.helper, err = starter.NewHelper(); err != nil && starter.Supported {
		return fmt.Errorf("make a guardian: %w", err)
	}
	return nil
}

// begin has the process stay. Where there can be none, the next job that takes long
// tries again.
func (g *guardian) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stays && g.helper != nil {
		g.stays = g.helper.Stay(g.self, &g.will) == nil
	}
}

// end ends the process, if it may.
func (g *guardian) end(may func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stays && may() {
		g.helper.Rest()
		g.stays = false
	}
}

// Guard says that a socket of this process is to be hung up when this process has
// ended, and a file with a lock (flock(2)) to be unlocked, where something else still
// holds it open. leave takes that back, before the descriptor is closed.
func Guard(fd int, lock bool) (leave func()) {
	if lock {
		return helpers.guard.will.Add(unix.SYS_FLOCK, uintptr(fd), unix.LOCK_UN)
	}
	return helpers.guard.will.Add(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_RDWR)
}
