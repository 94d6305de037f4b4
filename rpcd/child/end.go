package child

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lastWait bounds the wait for a group to vanish after KILL: what is stuck in
// the kernel longer is left to it.
const lastWait = 5 * time.Second

// killAgain is how soon KILL is sent again where one may not have reached all.
const killAgain = 50 * time.Millisecond

// End ends what is left of the call (its process group and, if it has a cgroup,
// what is there) and reaps the leader, whose end Wait has seen: TERM and CONT,
// the grace, KILL. With nothing left it costs few system calls. The grace ends
// at deadline, or when now is closed.
func (c *Child) End(deadline time.Time, now <-chan struct{}) {
	if !c.over() {
		undo := c.observe()
		c.cell.spend()
		c.everywhere(unix.SIGTERM)
		c.everywhere(unix.SIGCONT)
		if !await(c.over, deadline, now) {
			killed(c.kill, c.over)
		}
		undo()
	}
	c.Reap()
}

// over says whether nothing of the call lives.
func (c *Child) over() bool { return c.alone() && c.cell.empty() }

func (c *Child) observe() (undo func()) {
	if c.cell == nil {
		return func() {}
	}
	return c.cell.of.observe(c.cell.cgroup)
}

// everywhere sends sig to the group, and to what has left it.
func (c *Child) everywhere(sig syscall.Signal) {
	c.Signal(sig)
	if c.cell != nil {
		c.cell.signal(sig, c.PID)
	}
}

func (c *Child) kill() {
	c.Signal(unix.SIGKILL)
	if c.cell != nil {
		c.cell.kill()
	}
}

// killed calls kill until over says true.
func killed(kill func(), over func() bool) {
	for end := time.Now().Add(lastWait); !over() && time.Now().Before(end); {
		kill()
		await(over, time.Now().Add(killAgain), nil)
	}
}

// Reap reaps the leader and leaves the rest alone.
func (c *Child) Reap() {
	c.group.Lock()
	c.gone = true
	c.group.Unlock()
	if how := children.reap(c); how.Signaled() && how.Signal() == unix.SIGKILL {
		c.cell.spend() // who killed it?
	}
	if c.pidfd != nil {
		c.pidfd.Close()
	}
	c.cell.give()
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

// await waits until over says true, which it may at any death, and says whether
// it was so in time.
func await(over func() bool, deadline time.Time, now <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		died := children.died()
		if over() {
			return true
		}
		select {
		case <-died:
		case <-now:
			return over()
		case <-timer.C:
			return over()
		}
	}
}
