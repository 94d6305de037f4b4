package child

import (
	"errors"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// cell is the cgroup of one call. nil is none: what leaves the process group
// has escaped then.
type cell struct {
	cgroup
	of    *prison
	clean bool // as empty saw it
	spent bool // it isn't used again: the kernel might kill what starts there, see try
}

// take gives a cell, or nil where none can be had (ENOSPC, EAGAIN: limits of
// the hierarchy): a call isn't refused for that.
func (p *prison) take() *cell {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		g := p.free[last]
		p.free = p.free[:last]
		return &cell{cgroup: g, of: p}
	}
	g := cgroup(filepath.Join(string(p.dir), strconv.Itoa(p.made)))
	p.made++
	if unix.Mkdir(string(g), 0o755) != nil {
		return nil
	}
	return &cell{cgroup: g, of: p}
}

// forkExec starts a process in the cell, or outside where the kernel doesn't
// let it be there. It says where it is, and owns the cell that it isn't in.
func (c *cell) forkExec(path string, argv []string, attr *syscall.ProcAttr) (pid int, in *cell, err error) {
	if c == nil {
		pid, err = syscall.ForkExec(path, argv, attr)
		return pid, nil, err
	}
	fd, err := unix.Open(string(c.cgroup), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(fd)
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, fd
		if pid, err = syscall.ForkExec(path, argv, attr); err == nil {
			return pid, c, nil
		}
		if !refused(err) {
			c.give()
			return 0, nil, err
		}
		attr.Sys.UseCgroupFD = false
	}
	// The same errno may be execve(2)'s.
	pid, again := syscall.ForkExec(path, argv, attr)
	if again == err {
		c.give()
	} else {
		_ = c.remove() // it may have become one that takes no processes
	}
	return pid, nil, again
}

// refused says whether a start may have failed for its cgroup (clone(2),
// CLONE_INTO_CGROUP), or because clone3 is forbidden.
func refused(err error) bool {
	for _, errno := range []syscall.Errno{unix.EACCES, unix.EPERM, unix.ENOSYS, unix.EOPNOTSUPP, unix.EBUSY, unix.ENODEV, unix.EBADF, unix.EINVAL} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// empty says whether nothing lives in it any more.
func (c *cell) empty() bool {
	if c == nil {
		return true
	}
	if events, err := c.events(); err == nil && events == still {
		c.clean = true
		return true
	}
	return !c.populated()
}

// give gives an empty cell back.
func (c *cell) give() {
	if c == nil {
		return
	}
	if !c.clean {
		c.empty()
	}
	if c.clean && !c.spent && c.childless() {
		p := c.of
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.free) < maxFree {
			p.free = append(p.free, c.cgroup)
			return
		}
	}
	_ = c.remove() // what still lives there is Release's
}

// spend says that it isn't to be used again.
func (c *cell) spend() {
	if c != nil {
		c.spent = true
	}
}
