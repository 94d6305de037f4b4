package cgroup

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// listen calls wake whenever a watched cgroup changes, until inotify is closed.
func (p *Parent) listen(wake func()) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch cgroups: %w", err)
	}
	p.fd, p.inotify = fd, os.NewFile(uintptr(fd), "inotify")
	go func() {
		var b [4096]byte
		for {
			if _, err := p.inotify.Read(b[:]); err != nil {
				return // closed
			}
			wake()
		}
	}()
	return nil
}

// watch makes changes of d call wake, until stop is called. Where d can't be
// watched (it is gone, or there are no more watches) nothing calls it.
func (p *Parent) watch(d dir) (stop func()) {
	wd, err := unix.InotifyAddWatch(p.fd, string(d)+"/cgroup.events", unix.IN_MODIFY)
	if err != nil {
		return func() {}
	}
	return func() { _, _ = unix.InotifyRmWatch(p.fd, uint32(wd)) }
}
