package child

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/leader"
)

// A process with a terminal isn't started by rpcd itself, but by a leader: see package
// leader. The Child's pid is that of the leader then, which is the session's. The job
// is what the leader has started.

// ownProgram is this process's program, also where its file has been replaced
// (proc(5)).
const ownProgram = "/proc/self/exe"

// job is a process that a leader has started, and leads a group of its own.
type job struct {
	pid   int
	door  *os.File      // to the leader
	stops chan struct{} // the group has stopped, and rpcd hasn't stopped it
	over  chan struct{} // closed: last is final, the leader is gone
	last  leader.Message
}

// errNoLeader says that a leader has ended without a word.
var errNoLeader = errors.New("the process that leads its terminal's session has ended")

// startInTerminal is Start for a Spec with Terminal.
func (s Spec) startInTerminal() (*Child, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, err
	}
	door := os.NewFile(uintptr(pair[0]), "leader")
	at := max(3, len(s.Files))
	l := s
	l.Files = append(append(slices.Clone(s.Files), slices.Repeat([]int{-1}, at-len(s.Files))...), pair[1])
	l.Path, l.Argv = ownProgram, leader.Words(at, s.Path, s.Argv)
	c, err := l.startAny()
	unix.Close(pair[1])
	if err != nil {
		door.Close()
		return nil, explainLeader(err)
	}
	j := &job{door: door, stops: make(chan struct{}, 1), over: make(chan struct{})}
	if err := j.await(s.Cancel); err != nil {
		c.signalGroup(unix.SIGKILL)
		c.killStrays()
		_, _ = c.Wait()
		c.End(time.Now(), nil)
		door.Close()
		return nil, err
	}
	c.job = j
	_ = door.SetReadDeadline(time.Time{}) // of a start that was over as it was given up
	go j.follow()
	return c, nil
}

// explainLeader keeps what is the call's affair of an error of a leader's start: else
// it would be taken for one of the procedure's program.
func explainLeader(err error) error {
	var dir *DirError
	var busy *BusyError
	if errors.As(err, &dir) || errors.As(err, &busy) || errors.Is(err, unix.E2BIG) || errors.Is(err, ErrCanceled) {
		return err
	}
	return fmt.Errorf("cannot start the process that leads its terminal's session: %v", err)
}

// await waits for the leader's first word, or until nobody waits for the start any
// longer. Then the leader has cancelWait to say whether the program has begun.
func (j *job) await(cancel <-chan struct{}) error {
	stop, stopped := make(chan struct{}), make(chan struct{})
	defer func() { // no deadline is set any more: one would end follow, and so hang the terminal up
		close(stop)
		<-stopped
	}()
	go func() {
		defer close(stopped)
		select {
		case <-cancel:
			_ = j.door.SetReadDeadline(time.Now().Add(cancelWait))
		case <-stop:
		}
	}()
	m, err := j.read()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrCanceled
	case err != nil:
		return errNoLeader
	case m.Kind == leader.Failed && m.Directory:
		return &DirError{syscall.Errno(m.Errno)}
	case m.Kind == leader.Failed:
		return syscall.Errno(m.Errno)
	}
	j.pid = int(m.PID)
	return nil
}

// read waits for the next message, until the deadline. One that lies there counts after
// that, too: this goroutine may be late.
func (j *job) read() (leader.Message, error) {
	b := make([]byte, leader.Size+1)
	n, err := j.door.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = control(j.door, func(fd int) {
			if now, _, e := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT); e == nil && now > 0 {
				n, err = now, nil
			}
		})
	}
	if err != nil {
		return leader.Message{}, err
	}
	return leader.Parse(b[:n])
}

// follow takes what the leader tells, up to its end.
func (j *job) follow() {
	defer close(j.over)
	defer j.door.Close()
	for {
		m, err := j.read()
		if err != nil {
			return
		}
		j.last = m
		if m.Kind == leader.Stopped {
			select {
			case j.stops <- struct{}{}:
			default:
			}
		}
	}
}

// signal has the leader signal the group, which it knows not to be another's by now.
func (j *job) signal(sig syscall.Signal) {
	_ = control(j.door, func(fd int) {
		_ = unix.Sendto(fd, []byte{byte(sig)}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
	})
}

// control calls do with the descriptor of f, unless f is closed.
func control(f *os.File, do func(fd int)) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Control(func(fd uintptr) { do(int(fd)) })
}

// end gives the end of the process, once the leader has ended. told is false where that
// was broken off, as by KILL: its own status stands for both.
func (j *job) end() (s Status, told bool) {
	// Its last word lies there. The door's other end may be open elsewhere (pidfd_getfd(2)).
	_ = j.door.SetReadDeadline(time.Now())
	<-j.over
	if j.last.Kind != leader.Ended {
		return Status{}, false
	}
	return Status{
		Wait: j.last.Status,
		User: time.Duration(j.last.User), System: time.Duration(j.last.System),
		MaxRSS: ownMemory(j.last.MaxRSS),
	}, true
}

// killJob kills the group also where its leader does nothing any more, and then the
// leader.
func (c *Child) killJob() {
	for _, pid := range c.strays(c.pid) {
		if group, err := unix.Getpgid(pid); err == nil && group == c.job.pid {
			signalMember(pid, c.pid, []syscall.Signal{unix.SIGKILL})
		}
	}
	c.signalGroup(unix.SIGKILL)
}

// Stops tells each time that the process has stopped and neither Signal nor SignalAll
// has stopped it. nil: it has no terminal, and nobody looks.
func (c *Child) Stops() <-chan struct{} {
	if c.job == nil {
		return nil
	}
	return c.job.stops
}
