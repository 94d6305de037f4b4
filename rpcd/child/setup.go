package child

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/sigaction"
	"rpcd/rpcd/child/cgroup"
)

// This file is what a daemon calls once, before Start: Setup, then RunAs
// (capabilities.go) and Contain where they are wanted, then PrestartThreads
// (threads.go).

// Setup makes the process a supervisor:
//   - It adopts what its children leave behind (PR_SET_CHILD_SUBREAPER, prctl(2))
//     and reaps those orphans, whether it is PID 1 or not.
//   - Descriptors beyond 2 and ignored signals that it inherited don't reach its
//     children.
//   - No process of the same user can trace it, or read its memory, environment
//     and descriptors (PR_SET_DUMPABLE). This ends for a child with its execve(2).
//   - Children are likelier than rpcd to be chosen when memory runs out.
func Setup() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become a subreaper: %w", err)
	}
	score.open() // before the process is undumpable, since then the file is root's
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("become undumpable: %w", err)
	}
	closeOnExec()
	lanes.open() // before anything is open that may be closed: see starter.NewLanes
	if err := helpers.setup(); err != nil {
		return err
	}
	memory.open()
	defaultDispositions()
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, unix.SIGCHLD)
	go func() {
		for range deaths {
			children.wake()
			reapOrphans()
			// The channel holds one signal, so a death in this pause wakes once more.
			time.Sleep(reapPause)
		}
	}()
	return nil
}

// closeOnExec marks the descriptors beyond 2 that rpcd inherited, so that its
// children don't get them.
func closeOnExec() {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, err := os.ReadDir("/proc/self/fd") // before Linux 5.11, or under seccomp
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// defaultDispositions undoes ignored signals that rpcd inherited, from nohup or
// as a background job of a script. execve(2) resets signals with a handler to
// their default. Go's runtime has one for each signal but these: HUP and INT
// when they were ignored, those of job control, and 32 to 34.
func defaultDispositions() {
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT)
	for _, sig := range []unix.Signal{unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, 32, 33, 34} {
		sigaction.Set(sig, sigaction.Default)
	}
}

// parent is the cgroup in which each call has its own; nil: they have none.
var parent *cgroup.Parent

// Contain gives each call to come a cgroup of its own, where the process may
// make some: with cgroup v2, as root or delegated. It also ends what killed
// daemons have left there. It gives the directory in which they lie, or says why
// calls have none. Release undoes it.
func Contain() (where string, err error) {
	p, err := cgroup.Contain(cgroup.Host{Forking: &forking, Wake: children.wake})
	if err != nil {
		return "", err
	}
	parent = p
	return p.Path(), nil
}

// Release kills what is left of contained calls and removes their cgroups. It
// does nothing if Contain failed or wasn't called.
func Release() {
	if parent != nil {
		parent.Close()
		parent = nil
	}
}
