// Package cgroup gives each call a cgroup of its own (cgroups(7), version 2), so
// that rpcd finds the processes which have left the call's process group. It
// knows directories and process numbers, but neither calls nor children.
//
// A Parent is the one cgroup that rpcd makes below its own. A Leaf in it is the
// cgroup of one call.
package cgroup

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
)

// Parent is the cgroup in which each call has a leaf.
type Parent struct {
	dir
	lock int // a descriptor of dir, locked (flock(2)) as long as we live; see sweep

	inotify *os.File // inotify(7), of modified cgroup.events
	fd      int      // inotify's descriptor

	mu   sync.Mutex
	free []dir // leaves without a call
	made int   // how many leaves were made; the next one's name
}

// Host is what a Parent needs of the process that starts the calls.
type Host struct {
	Forking sync.Locker // held while a test process is forked, so that nobody reaps it as an orphan
	Wake    func()      // called when a watched cgroup has changed
}

// Contain makes a parent below this process's own cgroup, which has to be
// writable: for root, or where systemd delegates it. It also kills what daemons
// that died without Close have left there. The error says why no call can have a
// cgroup. Close undoes it.
func Contain(h Host) (*Parent, error) {
	candidates, err := Own()
	if err != nil {
		return nil, err
	}
	err = errors.New("no cgroup v2 hierarchy is mounted")
	for _, own := range candidates {
		var p *Parent
		if p, err = newParent(dir(own), h); err == nil {
			p.sweep(dir(own))
			return p, nil
		}
	}
	return nil, err
}

// Path is the parent's directory.
func (p *Parent) Path() string { return string(p.dir) }

// Close kills what still lives in leaves, and removes them and the parent.
func (p *Parent) Close() {
	p.clear()
	_ = p.remove()
	p.inotify.Close()
	unix.Close(p.lock)
}

// newParent makes a parent in own, this process's cgroup.
func newParent(own dir, h Host) (*Parent, error) {
	p := &Parent{}
	var err error
	for range 3 { // the sweep of another daemon may remove it before it is locked
		if p.dir, p.lock, err = makeLocked(own); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err = p.try(h.Forking); err == nil {
		err = p.listen(h.Wake)
	}
	if err != nil {
		_ = p.remove()
		unix.Close(p.lock)
		return nil, err
	}
	return p, nil
}

// try says whether the parent takes processes.
func (p *Parent) try(forking sync.Locker) error {
	forking.Lock()
	defer forking.Unlock()
	if err := enter(p.lock); err != nil {
		return fmt.Errorf("start a process in the cgroup %q: %w", p.dir, err)
	}
	return nil
}

var errKilled = errors.New("the kernel killed the test process as it entered the cgroup")

// enter forks a process into a cgroup, which fails to execute a program without
// a name. Its ENOENT says that it has reached execve(2). What may stop it before:
// clone3(2) is forbidden, or the move from our cgroup to this one. And Linux
// 6.18 kills what starts in a cgroup whose count of kills differs from its
// parent's (errKilled). The caller keeps everybody from reaping it as an orphan.
func enter(cgroupFD int) error {
	pid, err := syscall.ForkExec("", []string{""}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: cgroupFD},
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err == nil {
		_, _ = unix.Wait4(pid, nil, 0, nil)
		err = errKilled
	}
	return err
}

// makeLocked makes a directory with a name of its own and locks it. The caller
// closes the descriptor.
func makeLocked(own dir) (dir, int, error) {
	var name [8]byte
	_, _ = rand.Read(name[:])
	path := filepath.Join(string(own), names.CgroupPrefix+hex.EncodeToString(name[:]))
	if err := unix.Mkdir(path, 0o755); err != nil {
		return "", -1, fmt.Errorf("make the cgroup %q: %w", path, err)
	}
	fd, err := lockDir(path)
	if err == nil {
		var here, there unix.Stat_t
		if unix.Fstat(fd, &here) == nil && unix.Stat(path, &there) == nil && here.Ino == there.Ino {
			return dir(path), fd, nil
		}
		unix.Close(fd)
		err = unix.ENOENT
	}
	_ = unix.Rmdir(path)
	return "", -1, fmt.Errorf("lock the cgroup %q: %w", path, err)
}

// lockDir locks a directory that nobody else has locked. The lock lasts until
// the caller closes the descriptor.
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
