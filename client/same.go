package client

import "golang.org/x/sys/unix"

// sameOpen reports whether two descriptors are one open file description
// (kcmp(2)). Where the kernel forbids kcmp, two descriptors of one pipe, socket
// or terminal count as the same; those of one file don't.
func sameOpen(a, b int) bool {
	if a == b {
		return true
	}
	const kcmpFile = 0
	pid := uintptr(unix.Getpid())
	r, _, errno := unix.RawSyscall6(unix.SYS_KCMP, pid, pid, kcmpFile, uintptr(a), uintptr(b), 0)
	if errno == 0 {
		return r == 0
	}
	x, errA := look(a)
	y, errB := look(b)
	return errA == nil && errB == nil && x.sameInode(y) && !x.isType(unix.S_IFREG) && !x.isType(unix.S_IFBLK) && !x.master()
}

// joined reports whether two descriptors to be written, though opened apart, are
// one thing to who reads it. Such have no position of their own: one pipe or FIFO,
// one regular file to which both append, one terminal under any of its names.
func joined(a, b int) bool {
	x, err := look(a)
	if err != nil || x.flags&unix.O_ACCMODE == unix.O_RDONLY {
		return false
	}
	y, err := look(b)
	if err != nil || y.flags&unix.O_ACCMODE == unix.O_RDONLY {
		return false
	}
	switch {
	case x.isType(unix.S_IFIFO):
		return x.sameInode(y)
	case x.isType(unix.S_IFREG):
		return x.sameInode(y) && x.flags&y.flags&unix.O_APPEND != 0
	case x.isType(unix.S_IFCHR) && y.isType(unix.S_IFCHR):
		return oneTerminal(x, y)
	}
	return false
}

// opening is what the kernel says of a descriptor.
type opening struct {
	unix.Stat_t
	fd    int
	flags int // F_GETFL
}

func look(fd int) (*opening, error) {
	o := &opening{fd: fd}
	var err error
	if o.flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil {
		err = unix.Fstat(fd, &o.Stat_t)
	}
	return o, err
}

func (o *opening) isType(t uint32) bool { return o.Mode&unix.S_IFMT == t }

func (o *opening) sameInode(p *opening) bool { return o.Dev == p.Dev && o.Ino == p.Ino }

// master reports whether it is the master of a pseudoterminal. All of them are
// opened as /dev/ptmx, and each is another one (pts(4)).
func (o *opening) master() bool {
	_, err := unix.IoctlGetInt(o.fd, unix.TIOCGPTN)
	return o.isType(unix.S_IFCHR) && err == nil
}

func (o *opening) terminal() bool {
	_, err := unix.IoctlGetTermios(o.fd, unix.TCGETS)
	return err == nil
}

// number is the device number of the terminal behind names as /dev/tty
// (TIOCGDEV). 0: it isn't known.
func (o *opening) number() int {
	n, err := unix.IoctlGetInt(o.fd, unix.TIOCGDEV)
	if err != nil {
		return 0
	}
	return n
}

// controlling reports whether it is the terminal of our session (TIOCGSID,
// ioctl_tty(2)).
func (o *opening) controlling() bool {
	_, err := unix.IoctlGetInt(o.fd, unix.TIOCGSID)
	return err == nil
}

// oneTerminal compares terminals. Numbers alone prove nothing: each mount of
// devpts counts for itself. /dev/tty is another inode than the terminal that it
// stands for, but a session has only one terminal.
func oneTerminal(x, y *opening) bool {
	if !x.terminal() || !y.terminal() || x.master() || y.master() || x.number() != y.number() {
		return false
	}
	return x.sameInode(y) || x.controlling() && y.controlling()
}
