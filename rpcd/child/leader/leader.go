// Package leader is the process that leads the session of a call with a terminal. It
// is rpcd's own program, started anew, and does what a shell does for a job: it starts
// the procedure in a process group of its own, in the foreground of the terminal, tells
// rpcd when that stops, and ends when that has ended. It reads and writes no terminal.
//
// A procedure that led its session itself couldn't be stopped by Ctrl-Z: the kernel
// drops that signal where no process of the session but of another group is a parent
// of the group (an orphaned group, setpgid(2)).
package leader

import (
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/starter"
)

// Name is argv[0] of a leader. Behind it stand the number of the descriptor by which
// it talks to rpcd, the program's path, and the procedure's argv.
const Name = "rpcd-terminal"

// Words gives a leader's argv.
func Words(door int, path string, argv []string) []string {
	return append([]string{Name, strconv.Itoa(door), path}, argv...)
}

// Is says whether the words of a process are a leader's.
func Is(argv []string) bool { return len(argv) > 3 && argv[0] == Name }

// statusFailed is the leader's own exit status where it can do nothing. Nobody sees it
// but rpcd.
const statusFailed = 1

// Main is the process. It gives its exit status, which says nothing of the procedure.
// The descriptors 0 to door-1 are the procedure's, where they are open; 0 is the
// terminal, which is this session's already.
func Main(argv []string) int {
	door, err := strconv.Atoi(argv[1])
	if err != nil {
		return statusFailed
	}
	unix.CloseOnExec(door)
	showName()
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, unix.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU) // they are the procedure's affair
	j, err := start(argv[2], argv[3:], door)
	if err != nil {
		send(door, failure(err))
		return statusFailed
	}
	send(door, Message{Kind: Running, PID: uint32(j.pid)})
	go func() { // a session's leader is told when the terminal is hung up
		for range hangUps {
			j.hangUp()
		}
	}()
	go j.obey(door)
	send(door, j.follow(func(m Message) { send(door, m) }))
	foreground(unix.Getpgrp()) // else what the procedure has left in its group is hung up
	return 0
}

// job is the procedure's process group.
type job struct {
	pid   int         // of its process, and of the group
	quiet atomic.Bool // rpcd has it stopped

	mu     sync.Mutex
	reaped bool // the number may be another's
}

// failure is the message of a start that failed.
func failure(err error) Message {
	m := Message{Kind: Failed, Errno: uint32(unix.EIO)}
	if failed, ok := err.(*starter.Error); ok {
		m.Errno, m.Directory = uint32(failed.Errno), failed.Step == starter.Directory
	} else if errno, ok := err.(syscall.Errno); ok {
		m.Errno = uint32(errno)
	}
	return m
}

// signal sends a signal to the group, as long as its process isn't reaped.
func (j *job) signal(sig syscall.Signal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch sig {
	case unix.SIGSTOP:
		j.quiet.Store(true)
	case unix.SIGCONT:
		j.quiet.Store(false)
	}
	if !j.reaped {
		_ = unix.Kill(-j.pid, sig)
	}
}

// hangUp tells the group that its terminal is gone, as the kernel tells a process that
// leads its session itself.
func (j *job) hangUp() {
	j.signal(unix.SIGHUP)
	j.signal(unix.SIGCONT)
}

// obey sends on what rpcd sends: a byte is a signal. When rpcd is gone the terminal
// is, too.
func (j *job) obey(door int) {
	var b [1]byte
	for {
		switch n, err := unix.Read(door, b[:]); {
		case n > 0:
			j.signal(syscall.Signal(b[0]))
		case err == unix.EINTR:
		default:
			j.hangUp()
			return
		}
	}
}

// follow tells of stops, and gives the end.
func (j *job) follow(tell func(Message)) Message {
	for {
		err := unix.Waitid(unix.P_PID, j.pid, nil, unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT, nil)
		if err != nil && err != unix.EINTR {
			return Message{Kind: Ended, Status: uint32(unix.SIGKILL)} // can't happen; it must not look like 0
		}
		if m := j.look(); m.Kind == Ended {
			return m
		} else if m.Kind == Stopped && !j.quiet.Load() {
			tell(m)
		}
	}
}

// look takes what has happened to the procedure's process.
func (j *job) look() (m Message) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var status unix.WaitStatus
	var usage unix.Rusage
	switch pid, _ := unix.Wait4(j.pid, &status, unix.WUNTRACED|unix.WNOHANG, &usage); {
	case pid != j.pid:
	case status.Stopped():
		m.Kind = Stopped
	default:
		j.reaped = true
		m = Message{Kind: Ended, Status: uint32(status), User: usage.Utime.Nano(), System: usage.Stime.Nano(), MaxRSS: uint64(usage.Maxrss)}
	}
	return m
}
