package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/door"
	"rpcd/internal/sigaction"
)

// watchJobControl gives CONT and TSTP to a channel. If the entry holds them back, they
// stay blocked: the kernel takes TSTP away where CONT comes before it is let in, and
// os/signal couldn't tell which came first. TSTP stays pending until stopSelf.
func watchJobControl(to chan os.Signal) {
	var wanted unix.Sigset_t
	for _, sig := range jobControl {
		if !ownSignals.ignores(sig) && !ownSignals.blocks(sig) {
			wanted.Val[0] |= 1 << (sig - 1)
		}
	}
	if ownSignals.held {
		if fd, err := unix.Signalfd(-1, &wanted, unix.SFD_NONBLOCK|unix.SFD_CLOEXEC); err == nil {
			go tellPending(os.NewFile(uintptr(fd), "signalfd"), to, uint64(wanted.Val[0]))
			return
		}
		ownSignals.held = false
	}
	notify(to, jobControl)
}

// tellPending tells of CONT and TSTP as a signalfd(2) does, but reads nothing from it.
func tellPending(f *os.File, to chan os.Signal, wanted uint64) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Read(func(uintptr) bool {
		pending := sigaction.Pending() & wanted
		for _, sig := range jobControl {
			if pending>>(sig-1)&1 != 0 && (sig == unix.SIGTSTP || sigaction.Take(sig)) {
				to <- sig
			}
		}
		return false // wait for more
	})
}

// stop stops the procedure's group at the worker and this process here, and
// continues both when this process is continued.
func stop(cmd *client.Cmd, words teller) {
	raw := ownTerminal.Restore()
	within(stopWait, words.say(func() { _ = cmd.Stopped() }))
	stopSelf()
	if raw {
		takeTerminal(cmd)
		words.say(func() { _ = door.Of(cmd).Resize(ownTerminal.Window()) })
	}
	words.say(func() { _ = cmd.Continued() })
}

// stopSelf stops this process by TSTP's default action. It returns when the
// process is continued, which may have been before.
func stopSelf() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := sigaction.Blocked()
	handler := sigaction.Set(unix.SIGTSTP, sigaction.Default)
	sigaction.SetBlocked(before &^ (1 << (unix.SIGTSTP - 1))) // lets in a pending one
	if !ownSignals.held {
		signalThread(unix.SIGTSTP)
	}
	sigaction.SetBlocked(before)
	sigaction.Set(unix.SIGTSTP, handler)
}

// signalThread sends sig to this very thread: it has arrived when tgkill(2)
// returns.
func signalThread(sig syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}
