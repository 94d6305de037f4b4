package stream

import (
	"fmt"
	"os"

	creack "github.com/creack/pty"
	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// pty is a terminal of the procedure's: a pseudoterminal (pts(4)), of which the child
// has the slave. Our side is a stream each way, typed and shown, and both have master.
type pty struct {
	typed  *typed
	shown  *shown
	master *os.File
	slave  int // the child's, until Started
}

// terminal makes the terminal at its first stream, and our end of each. It gives the
// child's descriptor.
func (s *Set) terminal(st wire.Stream, owner int) (int, error) {
	if s.pty == nil {
		p, err := openPTY(s.plan.Terminal, owner)
		if err != nil {
			return -1, fmt.Errorf("cannot make a terminal (are there pseudoterminals, as /dev/pts?): %w", err)
		}
		s.pty = p
		s.theirs = append(s.theirs, p.slave)
		p.typed = newTyped(s.plan.Relay, p.master)
	}
	if st.Number == 1 {
		s.pty.shown = newShown(s.plan.Relay, st, s.pty.master)
		s.outputs = append(s.outputs, s.pty.shown)
	}
	return s.pty.slave, nil
}

// openPTY opens a terminal. The slave is blocking, as a process expects it. Our side
// isn't, for Go's poller.
func openPTY(t *wire.Terminal, owner int) (*pty, error) {
	master, slave, err := creack.Open()
	if err != nil {
		return nil, err
	}
	defer master.Close()
	defer slave.Close()
	if owner >= 0 {
		_ = unix.Fchown(int(slave.Fd()), owner, -1) // so that it can be opened by its name
	}
	setModes(int(slave.Fd()), t.Modes)
	ours, err := duplicate(master, true)
	if err != nil {
		return nil, err
	}
	theirs, err := duplicate(slave, false)
	if err != nil {
		unix.Close(ours)
		return nil, err
	}
	p := &pty{master: os.NewFile(uintptr(ours), "terminal"), slave: theirs}
	p.resize(t.Window)
	return p, nil
}

// duplicate gives a descriptor for an open file, which the caller closes.
func duplicate(f *os.File, nonblocking bool) (int, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(fd, nonblocking); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// setModes gives a terminal the modes of the caller's own, but for its line speed and
// what else c_cflag has.
func setModes(fd int, m *wire.Modes) {
	if m == nil {
		return
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return
	}
	t.Iflag, t.Oflag, t.Lflag = m.Input, m.Output, m.Local
	copy(t.Cc[:], m.Characters[:])
	_ = unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// resize sets the terminal's size. The kernel tells its foreground group, if it has
// changed (SIGWINCH).
func (p *pty) resize(w wire.Window) {
	_ = control(p.master, func(fd int) {
		_ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: w.Rows, Col: w.Columns, Xpixel: w.Width, Ypixel: w.Height})
	})
}

// Resize sets the size of the terminal.
func (s *Set) Resize(w wire.Window) {
	if s.pty != nil {
		s.pty.resize(w)
	}
}

// HangUp closes our side of the terminal. Its session's leader is told (SIGHUP), and
// nothing can be written or read there any more.
func (s *Set) HangUp() {
	if s.pty != nil {
		s.pty.master.Close()
	}
}

// Flush waits until all has left for the caller that the terminal had to show when it
// was called, or until the procedure has ended.
func (s *Set) Flush() {
	if s.pty != nil {
		s.pty.shown.flush()
	}
}
