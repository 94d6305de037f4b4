package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"

	"golang.org/x/sys/unix"

	"rpcd/internal/sigaction"
)

// orderly are the signals after which rpcd has ended as it should. After any other
// its status says which signal it was.
var orderly = []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT}

// cLibrarys is the first of three signals that os/signal leaves to a C library,
// which rpcd hasn't. kill -RTMIN sends the third.
const cLibrarys unix.Signal = 32

// lastSignal is the highest that Linux has (signal(7)).
const lastSignal = 64

// signals are those that end a process by default. The first ends this process at
// once, without the runtime's traces. But while rpcd serves the first drains, and
// the second ends at once.
type signals struct {
	stop    chan os.Signal
	serving chan struct{} // a receive says that serve takes the signals over
}

// catchSignals catches them. Those that aren't among them change nothing while rpcd
// serves: HUP (see child.Setup); PIPE and XFSZ, which come with a write to a stderr
// that nobody reads or that is full, and no call ends for lack of a log; PROF and those of a C library,
// which can't be had from the runtime. Where a service manager's watchdog waits for
// us, ABRT is its word for "you hang" (systemd.service(5)), and it wants the
// runtime's trace.
func catchSignals() *signals {
	s := &signals{stop: make(chan os.Signal, 4), serving: make(chan struct{})}
	signal.Notify(make(chan os.Signal, 1), unix.SIGXFSZ)
	for sig := unix.Signal(1); sig <= lastSignal; sig++ {
		switch sig {
		case unix.SIGHUP, unix.SIGPIPE, unix.SIGXFSZ:
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT:
		case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH:
		case unix.SIGPROF, cLibrarys, cLibrarys + 1, cLibrarys + 2:
		default:
			if sig != unix.SIGABRT || os.Getenv("WATCHDOG_USEC") == "" {
				signal.Notify(s.stop, sig)
			}
		}
	}
	return s
}

// takeOver gives the channel of the signals to serve. From here on they don't end
// this process by themselves.
func (s *signals) takeOver() <-chan os.Signal {
	<-s.serving
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	for sig := cLibrarys; sig < cLibrarys+3; sig++ {
		sigaction.Set(sig, sigaction.Nothing())
	}
	return s.stop
}

// stopped is the end of serve by a signal that isn't orderly.
type stopped struct{ unix.Signal }

func (s stopped) Error() string { return "ended by " + signalName(s.Signal) }

// stoppedBy gives serve's error after a drain.
func stoppedBy(sig unix.Signal) error {
	if slices.Contains(orderly, sig) {
		return nil
	}
	return stopped{sig}
}

// status is the shell's for a process that a signal ended.
func (s stopped) status() int { return 128 + int(s.Signal) }

// signalName gives a name for the log.
func signalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", sig) // a real-time one
}
