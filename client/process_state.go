package client

import (
	"fmt"
	"syscall"
	"time"

	"rpcd/rpcd/wire"
)

// ProcessState is how a procedure ended: os.ProcessState of the other side.
type ProcessState struct {
	exit              wire.Exit
	worker, procedure string        // as the caller named them
	ran               time.Duration // from STARTED to EXIT, as the caller saw them
}

// Sys gives the raw wait status, as wait(2) had it at the worker.
func (s *ProcessState) Sys() syscall.WaitStatus { return syscall.WaitStatus(s.exit.Status) }

// Exited says whether the procedure exited by itself.
func (s *ProcessState) Exited() bool { return s.Sys().Exited() }

// Success says whether it exited with 0.
func (s *ProcessState) Success() bool { return s.Exited() && s.ExitCode() == 0 }

// ExitCode is 0-255, or -1 after a signal.
func (s *ProcessState) ExitCode() int {
	if !s.Exited() {
		return -1
	}
	return s.Sys().ExitStatus()
}

// UserTime is the CPU time in user mode, of the process and of the children that
// it waited for (wait4(2)).
func (s *ProcessState) UserTime() time.Duration { return s.exit.User }

// SystemTime is UserTime in the kernel.
func (s *ProcessState) SystemTime() time.Duration { return s.exit.System }

// MaxRSS is the largest resident set, in KiB; 0: it isn't known, since the process
// had less than rpcd itself.
func (s *ProcessState) MaxRSS() uint64 { return s.exit.MaxRSS }

// TimedOut says whether a time limit ended the procedure, whatever its status is.
func (s *ProcessState) TimedOut() bool { return s.exit.Flags&wire.ExitTimeout != 0 }

// String is os.ProcessState's: "exit status 7", "signal: killed".
func (s *ProcessState) String() string {
	w := s.Sys()
	switch {
	case w.Exited():
		return fmt.Sprintf("exit status %d", w.ExitStatus())
	case w.CoreDump():
		return fmt.Sprintf("signal: %v (core dumped)", w.Signal())
	}
	return fmt.Sprintf("signal: %v", w.Signal())
}

// ExitError is an unsuccessful end of the procedure itself.
type ExitError struct {
	*ProcessState
	// Stderr holds the end of the standard error, where Output collected it.
	Stderr []byte
}

// Error is os/exec's text, and ProcessState.Explain behind it where something
// else ended the procedure.
func (e *ExitError) Error() string {
	text := e.ProcessState.String()
	if why := e.Explain(); why != "" {
		text += ": " + why
	}
	return text
}
