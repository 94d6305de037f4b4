package child

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/cgroup"
	"rpcd/rpcd/child/openfiles"
	"rpcd/rpcd/child/starter"
)

// birth is one start in a lane.
type birth struct {
	spec    Spec
	lane    *starter.Lane
	attempt *starter.Attempt
	leaf    *cgroup.Leaf
	began   time.Time
	kills   uint64        // memory's count at the start
	release func()        // gives back what other starts need
	counted atomic.Bool   // among the starts that hang
	over    chan struct{} // closed: child and err are there

	child *Child
	err   error
}

// start starts in a lane, and returns when the program runs, or when the caller
// doesn't wait any longer.
func (s Spec) start(lane *starter.Lane) (*Child, error) {
	attempt, err := starter.Prepare(s.program(), lane)
	if err != nil {
		lanes.free <- lane
		return nil, err
	}
	b := &birth{spec: s, lane: lane, attempt: attempt, began: time.Now(), kills: memory.count(), over: make(chan struct{})}
	if !s.Keep {
		b.leaf = parent.Take()
	}
	restore := score.raise()
	b.release = sync.OnceFunc(func() { restore(); lanes.free <- lane })
	go b.run()
	if b.attend(s.Cancel) && !b.mayRun() {
		go b.abandon()
		return nil, ErrCanceled
	}
	return b.child, b.err
}

// run is the start, in a goroutine of its own, since it may hang for longer than
// its caller waits.
func (b *birth) run() {
	defer close(b.over)
	children.begin(b.attempt)
	pidfd, err := b.fork()
	stayUndumpable()
	b.finish()
	if err != nil {
		children.discard(b.attempt)
		b.leaf.Give()
		b.err = explain(err)
		return
	}
	b.child = &Child{pid: b.attempt.PID(), leaf: b.leaf, pidfd: pollable(pidfd), memoryKills: b.kills, keep: b.spec.Keep}
	children.born(b.attempt, b.child)
}

// fork makes the process, in the leaf if it is let in. After an error a process
// that was made is still to be reaped.
func (b *birth) fork() (pidfd int, err error) {
	var failed error
	b.leaf, err = b.leaf.Fork(func(fd int) (err error) {
		pidfd, err = b.attempt.Run(fd)
		if b.attempt.PID() > 0 {
			failed, err = err, nil // the leaf let it in
		}
		return err
	})
	if err == nil {
		err = failed
	}
	return pidfd, err
}

// attend waits for the start's end, and sees to it that others go on meanwhile. It
// reports whether cancel came first.
func (b *birth) attend(cancel <-chan struct{}) (canceled bool) {
	look := time.NewTimer(laneCheck)
	defer look.Stop()
	for {
		select {
		case <-b.over:
			return false
		case <-cancel:
			return true
		case <-look.C:
			look.Reset(b.slow())
		}
	}
}

// cancelWait is what a canceled start gets to come to its end by itself.
const cancelWait = 200 * time.Millisecond

// mayRun ends a canceled start, and reports whether its program may have begun. If so,
// the start is over, and counts: nobody is told that nothing has run. A start that
// doesn't come to its end by itself is killed. It may have had its execve(2) just
// before, and then it is over soon.
func (b *birth) mayRun() bool {
	for kill := false; ; kill = true {
		if kill && children.killStarting(b.attempt) {
			return false
		}
		enough := make(chan struct{})
		timer := time.AfterFunc(cancelWait, func() { close(enough) })
		over := !b.attend(enough)
		timer.Stop()
		if over {
			return true
		}
	}
}

// slow lets others have the lane, once the process has what came by it. After
// stuckAfter it counts the start among those that hang. It gives when to look again.
func (b *birth) slow() time.Duration {
	if !b.attempt.Received() {
		return laneCheck
	}
	b.release()
	if rest := stuckAfter - time.Since(b.began); rest > 0 {
		return rest
	}
	if b.counted.CompareAndSwap(false, true) {
		lanes.count(b.spec.Caller, 1)
		helpers.hang()
	}
	return time.Hour
}

// finish gives back what slow hasn't.
func (b *birth) finish() {
	if !b.counted.CompareAndSwap(false, true) {
		lanes.count(b.spec.Caller, -1)
		helpers.answer()
		return
	}
	if !b.attempt.Received() && b.lane.Clear() != nil {
		lanes.unsupported.Store(true) // no descriptors are left to clean it with
	}
	b.release()
}

// abandon kills the process of a start that nobody waits for, and reaps it when
// the kernel lets it end.
func (b *birth) abandon() {
	kill := make(chan struct{})
	close(kill)
	for b.attend(kill) {
		_ = children.killStarting(b.attempt)
		b.slow()
		time.Sleep(killAgain)
	}
	if b.child != nil {
		b.child.Signal(unix.SIGKILL)
		_, _ = b.child.Wait()
		b.child.End(time.Now(), nil)
	}
}

// explain makes a *DirError of an error that came from the directory, and an errno
// of any other.
func explain(err error) error {
	var failed *starter.Error
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.Step == starter.Directory:
		return &DirError{failed.Errno}
	}
	return failed.Errno
}

// program is what the starter gets.
func (s *Spec) program() *starter.Program {
	p := &starter.Program{Path: s.Path, Argv: s.Argv, Env: s.Env, Dir: s.Dir, Umask: s.Umask, Files: s.Files, DropCapabilities: asCallers, NewKeyring: keyrings}
	if first, ok := openfiles.First(); ok {
		p.OpenFiles = &unix.Rlimit{Cur: first.Soft, Max: first.Hard}
	}
	if s.Terminal {
		p.Terminal = starter.Controlling
	}
	if s.As != nil {
		p.User = &starter.User{UID: s.As.UID, GID: s.As.GID, Groups: s.As.Groups}
	}
	return p
}
