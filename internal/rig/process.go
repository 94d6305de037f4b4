package rig

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// readyLimit is how long a server may take until it answers: a bound on hangs,
// no promise. endLimit is how long until TERM has ended it; then it is killed.
const (
	readyLimit = 20 * time.Second
	endLimit   = 5 * time.Second
)

// Starter says how processes are started.
type Starter struct {
	Folder string   // where a log is made when Log is ""
	Log    string   // the file that stdout and stderr are written to
	Env    []string // nil: Environment()
	User   int      // uid and gid that setpriv(1) gives the process; 0: this process's
}

// Process is a server that was started and will be ended.
type Process struct {
	cmd  *exec.Cmd
	name string
	log  string
	done chan struct{} // closed when it was reaped
	err  error         // how it ended; set before done is closed
}

// Start starts argv, in a process group of its own. Should this process die,
// the kernel sends TERM to the server.
func (s Starter) Start(argv ...string) (*Process, error) {
	log, err := s.openLog(filepath.Base(argv[0]))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &Process{name: filepath.Base(argv[0]), log: log.Name(), done: make(chan struct{})}
	if s.User != 0 {
		id := strconv.Itoa(s.User)
		argv = append([]string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"}, argv...)
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if p.cmd.Env = s.Env; s.Env == nil {
		p.cmd.Env = Environment()
	}
	if err := StartTied(p.cmd, syscall.SIGTERM); err != nil {
		return nil, fmt.Errorf("cannot start %q: %w", argv[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (s Starter) openLog(name string) (*os.File, error) {
	if s.Log != "" {
		return os.Create(s.Log)
	}
	return os.CreateTemp(s.Folder, name+"-*.log")
}

// PID gives the server's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the server was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits until the server has ended by itself, and says how, as
// exec.Cmd.Wait does.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Log gives what the server has said so far.
func (p *Process) Log() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// Ready asks until test succeeds. When the server ended, or readyLimit is over,
// it is ended, and the error holds the first line of its log.
func (p *Process) Ready(test func() error) error {
	deadline := time.Now().Add(readyLimit)
	for {
		err := test()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			err = errors.New("it ended")
		case <-time.After(2 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		p.Stop()
		return fmt.Errorf("%s doesn't answer: %w%s", p.name, err, FirstLine(strings.NewReader(p.Log())))
	}
}

// Stop sends TERM to the process group again and again: the second one ends a
// draining rpcd at once, with its calls. What is left after endLimit is killed.
// Stop returns when the server was reaped; calling it twice is fine.
func (p *Process) Stop() {
	for end := time.Now().Add(endLimit); time.Now().Before(end); {
		p.signalGroup(syscall.SIGTERM)
		select {
		case <-p.done:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	p.Kill()
}

// Kill sends KILL to the process group and returns when the server was reaped.
func (p *Process) Kill() {
	p.signalGroup(syscall.SIGKILL)
	<-p.done
}

// Signal sends sig to the server alone; one that has ended gets none.
func (p *Process) Signal(sig syscall.Signal) { p.signal(p.PID(), sig) }

func (p *Process) signalGroup(sig syscall.Signal) { p.signal(-p.PID(), sig) }

// signal sends nothing once the server was reaped: its number may be another's
// then.
func (p *Process) signal(to int, sig syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(to, sig)
	}
}

// FirstLine returns ": " and the first line of a text, or nothing.
func FirstLine(text io.ReaderAt) string {
	buffer := make([]byte, 500)
	n, _ := text.ReadAt(buffer, 0)
	line, _, _ := strings.Cut(strings.TrimSpace(string(buffer[:n])), "\n")
	if line == "" {
		return ""
	}
	return ": " + strings.TrimSpace(line)
}
