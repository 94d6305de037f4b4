// Package run is how a procedure runs: a Job is what one call asks for, a Runner
// starts it, a Process is what runs then. It knows neither the wire nor who may
// call. A spawned procedure has a process of its own for each call. Resident ones
// have a runner of their own kind (rpcd/resident/pool).
package run

import (
	"context"
	"syscall"
	"time"

	"rpcd/rpcd/child"
)

// Job is what one call asks for.
type Job struct {
	Path  string   // of the program, absolute or relative to Dir
	Argv  []string // with argv[0]
	Env   []string // NAME=VALUE, the whole environment
	Dir   int      // descriptor of the directory to run in
	Umask int
	Files []int             // descriptor i of the process is Files[i]; -1: closed
	As    *child.Credential // the user it runs as; nil: rpcd's own

	Terminal bool // descriptor 0 is a terminal that becomes the process's own

	Caller uint32 // the user ID that a start which hangs is charged to
	// For a resident procedure, whose Env is what the call has for itself: how long
	// the call may wait until a worker is ready, and what is called once where it has
	// to wait, with a text on what it waits for.
	Wait  time.Duration
	Waits func(behind string)
}

// Status is how a process ended.
type Status struct {
	Wait         uint32 // as wait(2) gives it
	User, System time.Duration
	MaxRSS       uint64 // KiB; 0: not known
	Crash        string // why a resident worker broke off, as a rest of "lost ..."; Wait is none then
}

// Process is one call's process.
type Process interface {
	// PID is its process id, which is its group's, too.
	PID() int
	// Signal sends sig to its group. After its end that does nothing.
	Signal(sig syscall.Signal)
	// SignalAll sends signals to what would be ended with it, too: see Close.
	SignalAll(signals ...syscall.Signal)
	// Stops tells each time that the group has stopped without a signal of ours. nil:
	// it has no terminal.
	Stops() <-chan struct{}
	// Wait waits for its end. An error says that the end can't be known.
	Wait() (Status, error)
	// OutOfMemory, after Wait, reports whether the kernel has killed a process of it
	// for want of memory. It is asked once at most, of one that ended as by KILL.
	OutOfMemory() bool
	// Close, after Wait, has what the process left end: TERM and CONT at once,
	// KILL at deadline. It doesn't wait for that; see Runner.Leftovers. When all
	// has ended, and if there was something, ended is called with it. Where the
	// procedure keeps what it leaves, nothing is ended. A second call does
	// nothing.
	Close(deadline time.Time, ended func(child.Left))
}

// Runner starts the processes of procedures. It lives as long as the daemon, and
// knows what ended calls have left.
type Runner interface {
	// Start starts a process. Descriptors of the job stay the caller's to close.
	// The error is ctx's, an errno of fork(2) or execve(2), a *child.DirError or
	// a *child.BusyError.
	Start(ctx context.Context, j Job) (Process, error)
	// Leftovers is how many closed processes have left something that is still
	// being ended.
	Leftovers() int
	// Close ends the grace of all leftovers, now and to come: the daemon stops.
	Close()
}
