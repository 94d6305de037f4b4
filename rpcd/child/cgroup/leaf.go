package cgroup

import (
	"errors"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
)

// Leaf is the cgroup of one call. All methods work on nil, which is the leaf of
// a call that has no cgroup: nothing is in it. One goroutine uses it at a time,
// except for Outside, Kill and Watch.
type Leaf struct {
	dir
	parent  *Parent
	clean   bool // cgroup.events said "empty and not frozen", so the directory can be used again
	retired bool // see Retire
}

// Take gives a leaf for a call, which ends with Give or with a failed Fork. It
// gives nil where the hierarchy's limits allow no more (ENOSPC, EAGAIN), and for
// a nil parent: a call isn't refused for lack of a cgroup.
func (p *Parent) Take() *Leaf {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		d := p.free[last]
		p.free = p.free[:last]
		return &Leaf{dir: d, parent: p}
	}
	d := dir(filepath.Join(string(p.dir), strconv.Itoa(p.made)))
	p.made++
	if unix.Mkdir(string(d), 0o755) != nil {
		return nil
	}
	return &Leaf{dir: d, parent: p}
}

// Path is the leaf's directory; empty for nil.
func (l *Leaf) Path() string {
	if l == nil {
		return ""
	}
	return string(l.dir)
}

// Fork calls fork to start a process in the leaf, whose descriptor it passes
// for SysProcAttr.CgroupFD. Where the kernel lets no process into the leaf, it
// calls fork again with -1, for a process outside. It gives l if the process is
// in it. Otherwise it gives nil, and l is given back already. The error is fork's.
//
// An errno doesn't say which step of a start has failed. A caller can make the
// program's or directory's fail once and not again, to be started outside. So
// outside goes only what a process that executes nothing can't enter, either.
func (l *Leaf) Fork(fork func(cgroupFD int) error) (in *Leaf, err error) {
	if l == nil {
		return nil, fork(-1)
	}
	fd, err := unix.Open(string(l.dir), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	switch {
	case err == nil:
		defer unix.Close(fd)
		if err = fork(fd); mayBeTheCgroup(err) {
			if mayBeTheCgroup(enter(fd)) {
				break
			}
			err = fork(fd) // whatever it was may have passed
		}
		if err == nil {
			return l, nil
		}
		l.Give()
		return nil, err
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM): // says nothing about the cgroup
		l.Give()
		return nil, err
	}
	_ = l.remove() // it takes no processes any more
	return nil, fork(-1)
}

// mayBeTheCgroup says whether a start may have failed because of its cgroup
// (clone(2), CLONE_INTO_CGROUP), or because clone3 is forbidden.
func mayBeTheCgroup(err error) bool {
	for _, errno := range []error{errKilled, unix.EACCES, unix.EPERM, unix.ENOSYS, unix.EOPNOTSUPP, unix.EBUSY, unix.ENODEV, unix.EBADF, unix.EINVAL} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// Empty says whether no process lives in the leaf or below.
func (l *Leaf) Empty() bool {
	if l == nil {
		return true
	}
	if events, err := l.events(); err == nil && events == reusable {
		l.clean = true
		return true
	}
	return !l.populated()
}

// Outside gives the processes in the leaf and below that aren't within, which is
// the call's session. Their numbers may be other processes' soon.
func (l *Leaf) Outside(within func(pid int) bool) (pids []int) {
	if l == nil {
		return nil
	}
	for _, pid := range l.processes() {
		if !within(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Kill kills all processes in the leaf and below. Before Linux 5.14 it may miss
// one that was just forked: the caller repeats it until the leaf is Empty.
func (l *Leaf) Kill() {
	if l != nil {
		l.kill()
	}
}

// Watch lets the parent's wake function be called when the last process in the
// leaf ends, until stop is called. In a shortage of watches nobody is woken, so
// each wait needs a bound of its own.
func (l *Leaf) Watch() (stop func()) {
	if l == nil {
		return func() {}
	}
	return l.parent.watch(l.dir)
}

// Retire says that no other call may use this leaf, since a process in it was
// killed: Linux 6.18 kills what starts in a cgroup whose count of kills differs
// from its parent's.
func (l *Leaf) Retire() {
	if l != nil {
		l.retired = true
	}
}

// Give gives the leaf back at the end of its call. It is kept for another call
// or removed. A leaf in which a process still lives stays until Close.
func (l *Leaf) Give() {
	if l == nil {
		return
	}
	if !l.clean {
		l.Empty()
	}
	if l.clean && !l.retired && l.childless() {
		p := l.parent
		p.mu.Lock()
		defer p.mu.Unlock()
		// Making a leaf costs ten times as much as using one again.
		if len(p.free) < names.MaxFreeCgroups {
			p.free = append(p.free, l.dir)
			return
		}
	}
	_ = l.remove()
}
