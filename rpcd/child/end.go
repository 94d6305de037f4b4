package child

import (
	"time"

	"golang.org/x/sys/unix"
)

// lastWait bounds the wait for a group to vanish after KILL: what is stuck in
// the kernel longer is left to it.
const lastWait = 5 * time.Second

// End ends what is left of the group and reaps the leader, whose end Wait has
// seen: TERM and CONT, the grace, KILL. With nothing left it costs two system
// calls. The grace ends at deadline, or when now is closed.
func (c *Child) End(deadline time.Time, now <-chan struct{}) {
	if !c.alone() {
		c.Signal(unix.SIGTERM)
		c.Signal(unix.SIGCONT)
		if !c.vanish(deadline, now) {
			c.Signal(unix.SIGKILL)
			c.vanish(time.Now().Add(lastWait), nil)
		}
	}
	c.Reap()
}

// Reap reaps the leader and leaves the group alone.
func (c *Child) Reap() {
	c.group.Lock()
	c.gone = true
	c.group.Unlock()
	children.reap(c)
	if c.pidfd != nil {
		c.pidfd.Close()
	}
}

// alone reports whether nothing living is left in the group. As a subreaper
// (prctl(2)) we are the parent of what the leader left behind, and waitid(2)
// without WEXITED sees only living children: ECHILD says that none of ours is
// in the group. A member may still have a living parent that isn't ours and
// isn't in the group; but then the eldest of that line is an orphan of ours,
// and only then it is worth to look at every process.
func (c *Child) alone() bool {
	if unix.Waitid(unix.P_PGID, c.PID, nil, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil) != unix.ECHILD {
		return false
	}
	return !children.adopted() || !groupLives(c.PID)
}

// vanish waits until the group is empty, and says whether it was so in time.
func (c *Child) vanish(deadline time.Time, now <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		died := children.died()
		if c.alone() {
			return true
		}
		select {
		case <-died:
		case <-now:
			return c.alone()
		case <-timer.C:
			return c.alone()
		}
	}
}
