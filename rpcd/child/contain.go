package child

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// prison is rpcd's own cgroup: in it every call has one, a cell, so that what
// leaves its process group is still the call's.
type prison struct {
	dir   cgroup
	lock  int      // a descriptor of dir, locked (flock(2)) while we live: who finds it unlocked clears it
	bells *os.File // inotify(7): modified cgroup.events
	watch int      // its descriptor

	mu   sync.Mutex
	free []cgroup // cells without a call; making one costs ten times as much as using one again
	made int
}

// maxFree bounds the cells that are kept for calls to come.
const maxFree = 64

// cells is set by Contain; nil: calls have no cells.
var cells *prison

const prefix = "rpcd-calls-"

// prisons are the names that ours and those of other daemons have.
var prisons = regexp.MustCompile(`^` + prefix + `[0-9a-f]{16}$`)

// Contain gives each call to come a cgroup of its own, where the process may
// make some in its own: cgroup v2, as root or delegated. It also ends what
// daemons that were killed have left there. It says where that is, or why it
// can't be. It is called once, after Setup and before Start; Release undoes it.
func Contain() (where string, err error) {
	candidates, err := ownCgroups()
	if err != nil {
		return "", err
	}
	err = errors.New("no cgroup v2 hierarchy is mounted")
	for _, parent := range candidates {
		var p *prison
		if p, err = newPrison(parent); err == nil {
			p.sweep(parent)
			cells = p
			return string(p.dir), nil
		}
	}
	return "", err
}

// Release ends what is left of calls, and removes what Contain made.
func Release() {
	p := cells
	if p == nil {
		return
	}
	cells = nil
	p.clear(p.dir)
	_ = p.dir.remove()
	p.bells.Close()
	unix.Close(p.lock)
}

// newPrison makes one in a cgroup which is this process's own.
func newPrison(parent cgroup) (*prison, error) {
	p := &prison{}
	var err error
	for range 3 { // another daemon's sweep may just have found it, unlocked
		if p.dir, p.lock, err = makeLocked(parent); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err = p.try(); err == nil {
		err = p.listen()
	}
	if err != nil {
		_ = p.dir.remove()
		unix.Close(p.lock)
		return nil, err
	}
	return p, nil
}

// try starts a process there that executes nothing. Its own ENOENT says that it
// came so far: clone3(2) may be forbidden, moving processes from here to there
// too, and a kernel kills what starts in a cgroup whose count of cgroup.kill
// isn't that of its parent's (seen with Linux 6.18).
func (p *prison) try() error {
	forking.Lock() // our child is no orphan
	defer forking.Unlock()
	pid, err := syscall.ForkExec("", []string{""}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: p.lock},
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err == nil {
		_, _ = unix.Wait4(pid, nil, 0, nil)
		err = errors.New("it is killed by its birth")
	}
	return fmt.Errorf("start a process in the cgroup %q: %w", p.dir, err)
}

// makeLocked makes a directory with a name of its own, and locks it.
func makeLocked(parent cgroup) (cgroup, int, error) {
	var name [8]byte
	_, _ = rand.Read(name[:])
	path := filepath.Join(string(parent), prefix+hex.EncodeToString(name[:]))
	if err := unix.Mkdir(path, 0o755); err != nil {
		return "", -1, fmt.Errorf("make the cgroup %q: %w", path, err)
	}
	fd, err := lockDir(path)
	if err == nil {
		var here, there unix.Stat_t
		if unix.Fstat(fd, &here) == nil && unix.Stat(path, &there) == nil && here.Ino == there.Ino {
			return cgroup(path), fd, nil
		}
		unix.Close(fd)
		err = unix.ENOENT
	}
	_ = unix.Rmdir(path)
	return "", -1, fmt.Errorf("lock the cgroup %q: %w", path, err)
}

// lockDir gives a descriptor of a directory whose lock nobody else has.
func lockDir(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// sweep ends what daemons that are gone have left.
func (p *prison) sweep(parent cgroup) {
	entries, _ := os.ReadDir(string(parent))
	for _, e := range entries {
		if !e.IsDir() || !prisons.MatchString(e.Name()) {
			continue
		}
		path := filepath.Join(string(parent), e.Name())
		if unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS) != nil {
			continue // another user's: to be removed by that one, or root
		}
		fd, err := lockDir(path)
		if err != nil {
			continue // it lives
		}
		p.clear(cgroup(path))
		_ = cgroup(path).remove()
		unix.Close(fd)
	}
}

// listen lets changes of watched cgroups wake who waits for a death.
func (p *prison) listen() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch cgroups: %w", err)
	}
	p.watch, p.bells = fd, os.NewFile(uintptr(fd), "inotify")
	go func() {
		var b [4096]byte
		for {
			if _, err := p.bells.Read(b[:]); err != nil {
				return // closed
			}
			children.ring()
		}
	}()
	return nil
}

// observe lets the end of what lives in g wake waiters, until it is undone.
func (p *prison) observe(g cgroup) (undo func()) {
	wd, err := unix.InotifyAddWatch(p.watch, string(g)+"/cgroup.events", unix.IN_MODIFY)
	if err != nil {
		return func() {} // it is gone; or waits last their full time
	}
	return func() { _, _ = unix.InotifyRmWatch(p.watch, uint32(wd)) }
}

// clear kills what lives in g.
func (p *prison) clear(g cgroup) {
	defer p.observe(g)()
	killed(g.kill, func() bool { return !g.populated() })
}
