// Package terminal is the caller's own terminal while a procedure has one at its worker:
// its size and modes, raw mode and the way back. It reads and writes no byte, and knows
// no call.
package terminal

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"rpcd/internal/sigaction"
	"rpcd/rpcd/wire"
)

// Terminal is the caller's terminal. A nil one is none: its methods do nothing. They may
// be called at any time.
type Terminal struct {
	fd    int  // ours, whatever becomes of the files
	input bool // it is read, and so there is a raw mode

	mu     sync.Mutex
	before *unix.Termios // the modes before raw mode; nil: it isn't raw
	over   bool          // End was called
}

// Of gives the first of these files that is a terminal, or nil. The first one is the
// one that is read.
func Of(files ...*os.File) *Terminal {
	for i, f := range files {
		if f == nil || !term.IsTerminal(int(f.Fd())) {
			continue
		}
		if fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3); err == nil {
			return &Terminal{fd: fd, input: i == 0}
		}
	}
	return nil
}

// Window gives the size of now.
func (t *Terminal) Window() (w wire.Window) {
	if t == nil {
		return w
	}
	if size, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ); err == nil {
		w = wire.Window{Rows: size.Row, Columns: size.Col, Width: size.Xpixel, Height: size.Ypixel}
	}
	return w
}

// Modes gives the modes that the terminal has without raw mode. nil: they aren't known,
// as in the background, where they are those of the shell's own line editor.
func (t *Terminal) Modes() *wire.Modes {
	if t == nil || !t.foreground() {
		return nil
	}
	got, err := unix.IoctlGetTermios(t.fd, unix.TCGETS)
	if err != nil {
		return nil
	}
	m := &wire.Modes{Input: got.Iflag, Output: got.Oflag, Local: got.Lflag}
	copy(m.Characters[:], got.Cc[:])
	return m
}

// Raw has the terminal pass on each byte as it is typed, those that make signals
// included. A signal that ends this process gives it its modes back. It is false in the
// background, where it does nothing: the terminal is somebody else's.
func (t *Terminal) Raw() bool {
	if t == nil || !t.input {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil || t.over {
		return true
	}
	if !t.foreground() {
		return false
	}
	before, err := unix.IoctlGetTermios(t.fd, unix.TCGETS)
	if err != nil { // it is gone
		return true
	}
	sigaction.Lastly(t.fd, before)
	if _, err := term.MakeRaw(t.fd); err != nil {
		sigaction.Lastly(-1, nil)
		return true
	}
	t.before = before
	return true
}

// End ends raw mode for good: Raw does nothing any more.
func (t *Terminal) End() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.restore()
}

// Restore ends raw mode, and says whether it was raw.
func (t *Terminal) Restore() (raw bool) {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.restore()
}

// restore is Restore; mu is locked.
func (t *Terminal) restore() (raw bool) {
	if t.before == nil {
		return false
	}
	// A process that isn't in the foreground any more would be stopped (tcsetattr(3)).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	blocked := sigaction.Blocked()
	sigaction.SetBlocked(blocked | 1<<(unix.SIGTTOU-1))
	_ = unix.IoctlSetTermios(t.fd, unix.TCSETS, t.before)
	sigaction.SetBlocked(blocked)
	t.before = nil
	sigaction.Lastly(-1, nil)
	return true
}

// foreground says whether this process may change the terminal without being stopped
// (tcgetpgrp(3)). A terminal of another session may be changed by anybody.
func (t *Terminal) foreground() bool {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
