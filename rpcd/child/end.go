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
// calls. deadline is when the grace ends.
func (c *Child) End(deadline time.Time) {
	if !c.alone() {
		c.Signal(unix.SIGTERM)
		c.Signal(unix.SIGCONT)
		if !c.vanish(deadline) {
			c.Signal(unix.SIGKILL)
			c.vanish(time.Now().Add(lastWait))
		}
	}
	c.Reap()
}

// Reap reaps the leader and leaves the group alone.
func (c *Child) Reap() {
	c.group.Lock()
	c.gone = true
	c.group.Unlock()
	children.remove(c)
	for {
		if _, err := unix.Wait4(c.PID, nil, 0, nil); err != unix.EINTR {
			break
		}
	}
	if c.pidfd != nil {
		c.pidfd.Close()
	}
}

// alone reports whether nothing living is left in the group. As a subreaper
// (prctl(2)) we are the parent of what the leader left behind, and waitid(2)
// without WEXITED sees only living children: ECHILD says that there is none.
func (c *Child) alone() bool {
	return unix.Waitid(unix.P_PGID, c.PID, nil, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil) == unix.ECHILD
}

// vanish waits until the group is empty, and says whether it was so in time.
func (c *Child) vanish(deadline time.Time) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		died := children.died()
		if c.alone() {
			return true
		}
		select {
		case <-died:
		case <-timer.C:
			return c.alone()
		}
	}
}
