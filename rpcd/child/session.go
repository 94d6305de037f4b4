package child

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What belongs to a call is its session (setsid(2)), which its leader made.
// Process groups that are made in there, by timeout(1) or a shell's jobs, don't
// lead out of it. As long as the leader isn't reaped, the kernel gives its
// number, which is the session's too, to nobody else.

// sessions are the sessions of all processes, as they were at the last look.
var sessions = &sessionTable{}

// sessionTable looks through /proc once for all calls that ask meanwhile.
type sessionTable struct {
	mu      sync.Mutex
	looked  time.Time // when the last look began
	members map[int][]int
}

// of gives the processes of a session, dead ones that nobody has reaped
// included. The look at them begins after the call of this function.
func (t *sessionTable) of(session int) []int {
	asked := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.looked.After(asked) {
		t.looked = time.Now()
		t.members = lookForSessions()
	}
	return t.members[session]
}

// lookForSessions asks the kernel for the session of each process. That takes a
// twentieth of the time of reading each /proc/PID/stat.
func lookForSessions() map[int][]int {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	members := map[int][]int{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if session, err := unix.Getsid(pid); err == nil {
			members[session] = append(members[session], pid)
		}
	}
	return members
}

// looksForLife bounds the looks for what forks and ends faster than rpcd looks.
const looksForLife = 8

// sessionLives says whether a process of the session lives. One that is found
// dead may have forked another, too late for the same look. So rpcd looks until
// a look finds nothing but what was dead before it.
func (c *Child) sessionLives() bool {
	dead := map[int]bool{c.pid: true}
	for range looksForLife {
		alive, news := c.lookForLife(dead)
		if alive || !news {
			return alive
		}
	}
	return true
}

// lookForLife looks at the session once. It adds what it finds dead to dead, and
// says whether that is news. Meanwhile rpcd reaps nothing, so that what lived as the
// look began is seen: itself, or the dead orphan that it stems from.
func (c *Child) lookForLife(dead map[int]bool) (alive, news bool) {
	children.reaping.RLock()
	defer children.reaping.RUnlock()
	if orphans, err := children.orphans(); err == nil && len(orphans) == 0 {
		return false, false
	}
	for _, pid := range sessions.of(c.pid) {
		if lives(pid) {
			return true, false
		}
		news = news || !dead[pid]
		dead[pid] = true
	}
	return false, news
}

// strays gives the processes of the session that are in no group of these. Its leader's
// has been there first.
func (c *Child) strays(but ...int) (pids []int) {
	for _, pid := range sessions.of(c.pid) {
		if group, err := unix.Getpgid(pid); err == nil && !slices.Contains(but, group) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// signalStrays sends signals to each process that Signal doesn't reach.
func (c *Child) signalStrays(signals ...syscall.Signal) {
	for _, pid := range c.strays(c.pid, c.PID()) {
		signalMember(pid, c.pid, signals)
	}
}

// killRounds bounds the looks for strays that were just forked.
const killRounds = 64

// killStrays kills all strays. What forks faster than they are looked for is
// stopped first, since a stopped process forks no more and still counts in the
// limits of processes. A process group needs none of that: no fork(2) gets past
// a signal to a whole group.
func (c *Child) killStrays() {
	stopped := map[int]bool{}
	for range killRounds {
		before := len(stopped)
		for _, pid := range c.strays(c.pid) {
			if !stopped[pid] {
				stopped[pid] = true
				signalMember(pid, c.pid, []syscall.Signal{unix.SIGSTOP})
			}
		}
		if len(stopped) == before {
			break
		}
	}
	for _, pid := range c.strays(c.pid) {
		signalMember(pid, c.pid, []syscall.Signal{unix.SIGKILL})
	}
}

// signalMember sends signals to a process that is in the session. By its pidfd,
// since its number may be another's by now. Where there is no pidfd (a shortage
// of descriptors, seccomp), the time for that is short.
func signalMember(pid, session int, signals []syscall.Signal) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		defer unix.Close(fd)
	}
	if s, gone := unix.Getsid(pid); gone != nil || s != session {
		return
	}
	for _, sig := range signals {
		if err == nil {
			_ = unix.PidfdSendSignal(fd, sig, nil, 0)
		} else {
			_ = unix.Kill(pid, sig)
		}
	}
}
