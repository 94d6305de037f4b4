package child

import (
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killWait bounds the wait for processes to vanish after KILL. One that is stuck
// in the kernel for longer is left to it.
const killWait = 5 * time.Second

// killAgain is how soon KILL is sent again, since one round may miss a process
// that was just forked.
const killAgain = 50 * time.Millisecond

// Left is what a call had left running, before any of it got a signal of ours.
type Left struct {
	Names []string // of each process, as ps(1) shows it: any bytes
	Stuck bool     // some of it didn't even end by KILL
}

// End ends what is left of the call and reaps the leader, whose end Wait has
// seen. What is left are its session and what is in its cgroup. They get TERM and
// CONT, and after the grace KILL. The grace ends at deadline, or when now is
// closed. With nothing left, End costs few system calls.
func (c *Child) End(deadline time.Time, now <-chan struct{}) (left Left) {
	if !c.allGone() {
		stop := c.leaf.Watch()
		c.leaf.Retire()
		left.Names = c.leftNames()
		c.SignalAll(unix.SIGTERM, unix.SIGCONT)
		if !await(c.allGone, deadline, now) {
			left.Stuck = !killUntil(c.killAll, c.allGone)
		}
		stop()
	}
	c.Reap()
	return left
}

// allGone says whether no process of the call lives.
func (c *Child) allGone() bool { return c.sessionGone() && c.leaf.Empty() }

// leftNames names the processes of the call that live. If all of them die during
// this look, it names them all the same.
func (c *Child) leftNames() []string {
	children.reaping.RLock()
	defer children.reaping.RUnlock()
	var living, dead []string
	for _, pid := range slices.Concat(sessions.of(c.pid), c.leaf.Outside(c.inSession)) {
		switch {
		case lives(pid):
			living = append(living, comm(pid))
		case pid != c.pid:
			dead = append(dead, comm(pid))
		}
	}
	if living == nil {
		return dead
	}
	return living
}

// inSession says whether a process is in the call's session.
func (c *Child) inSession(pid int) bool {
	session, err := unix.Getsid(pid)
	return err == nil && session == c.pid
}

// SignalAll sends signals to all that belongs to the call: its session, and what
// has left that and is in its cgroup. With Spec.Keep that is its process group
// alone. After the reaping it does nothing.
func (c *Child) SignalAll(signals ...syscall.Signal) {
	for _, sig := range signals {
		c.Signal(sig)
	}
	if c.job != nil && slices.Contains(signals, unix.SIGKILL) {
		c.killJob()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keep || c.reaped {
		return
	}
	c.signalStrays(signals...)
	for _, pid := range c.leaf.Outside(c.inSession) {
		for _, sig := range signals {
			_ = unix.Kill(pid, sig)
		}
	}
}

func (c *Child) killAll() {
	c.signalGroup(unix.SIGKILL)
	c.leaf.Kill()
	c.killStrays()
}

// killUntil calls kill again and again until gone says true, for killWait at
// most. It gives gone's last answer.
func killUntil(kill func(), gone func() bool) bool {
	for end := time.Now().Add(killWait); time.Now().Before(end); {
		if gone() {
			return true
		}
		kill()
		await(gone, time.Now().Add(killAgain), nil)
	}
	return gone()
}

// Reap reaps the leader, whose end Wait has seen, and leaves the rest alone.
func (c *Child) Reap() {
	c.mu.Lock()
	c.reaped = true
	c.mu.Unlock()
	if how := children.reap(c); how.Signaled() && how.Signal() == unix.SIGKILL {
		c.leaf.Retire() // somebody may have written to cgroup.kill
	}
	if c.pidfd != nil {
		c.pidfd.Close()
	}
	c.leaf.Give()
}

// sessionGone says whether no process of the session lives. rpcd is the parent of
// what the leader left behind, since it is a subreaper. waitid(2) without WEXITED
// sees only living children, so ECHILD says that none of ours is in the leader's
// process group.
//
// A member may be in a group of its own, or have a living parent that isn't rpcd.
// The eldest of that line is an orphan of ours. So only with an orphan is it worth
// looking at every process.
func (c *Child) sessionGone() bool {
	if unix.Waitid(unix.P_PGID, c.pid, nil, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil) != unix.ECHILD {
		return false
	}
	return !c.sessionLives()
}

// await waits until done says true, and asks it at each wake, but the less often the
// longer it waits (patience). It gives done's last answer: false means that deadline
// came first, or the close of now.
func await(done func() bool, deadline time.Time, now <-chan struct{}) bool {
	return children.await(done, deadline, now)
}

func (r *registry) await(done func() bool, deadline time.Time, now <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	began := time.Now()
	for {
		woken := r.next()
		if done() {
			return true
		}
		var pause <-chan time.Time
		for woken != nil || pause != nil {
			select {
			case <-woken:
				woken, pause = nil, time.After(patience(time.Since(began)))
			case <-pause:
				pause = nil
			case <-now:
				return done()
			case <-timer.C:
				return done()
			}
		}
	}
}

// patience is how long a wait that has lasted so long lets a wake rest. Any death
// wakes all who wait, and each looks at all of rpcd's children. Without the rest a
// thousand calls that resist TERM would slow down every other call.
func patience(waited time.Duration) time.Duration { return min(waited/16, time.Second) }
