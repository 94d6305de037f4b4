package child

import (
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

// End ends what is left of the call and reaps the leader, whose end Wait has
// seen. What is left are its process group and what is in its cgroup. They get
// TERM and CONT, and after the grace KILL. The grace ends at deadline, or when
// now is closed. With nothing left, End costs few system calls.
func (c *Child) End(deadline time.Time, now <-chan struct{}) {
	if !c.allGone() {
		stop := c.leaf.Watch()
		c.leaf.Retire()
		c.signalAll(unix.SIGTERM)
		c.signalAll(unix.SIGCONT)
		if !await(c.allGone, deadline, now) {
			killUntil(c.killAll, c.allGone)
		}
		stop()
	}
	c.Reap()
}

// allGone says whether no process of the call lives.
func (c *Child) allGone() bool { return c.groupGone() && c.leaf.Empty() }

// signalAll sends sig to the process group, and to what has left it.
func (c *Child) signalAll(sig syscall.Signal) {
	c.Signal(sig)
	c.leaf.Signal(sig, c.pid)
}

func (c *Child) killAll() {
	c.Signal(unix.SIGKILL)
	c.leaf.Kill()
}

// killUntil calls kill again and again until gone says true, for killWait at most.
func killUntil(kill func(), gone func() bool) {
	for end := time.Now().Add(killWait); !gone() && time.Now().Before(end); {
		kill()
		await(gone, time.Now().Add(killAgain), nil)
	}
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

// groupGone says whether no process of the group lives. rpcd is the parent of
// what the leader left behind, since it is a subreaper. waitid(2) without WEXITED
// sees only living children, so ECHILD says that none of ours is in the group.
//
// A member may still have a living parent outside of the group that isn't rpcd.
// The eldest of that line is then an orphan of ours. So only with an orphan is it
// worth looking at every process.
func (c *Child) groupGone() bool {
	if unix.Waitid(unix.P_PGID, c.pid, nil, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil) != unix.ECHILD {
		return false
	}
	return !children.mayHaveOrphans() || !groupLives(c.pid)
}

// await waits until done says true, and asks it at each wake. It gives done's
// last answer: false means that deadline came first, or the close of now.
func await(done func() bool, deadline time.Time, now <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		woken := children.next()
		if done() {
			return true
		}
		select {
		case <-woken:
		case <-now:
			return done()
		case <-timer.C:
			return done()
		}
	}
}
