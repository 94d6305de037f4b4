package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// readyLimit is how long a server may take until it answers, endLimit how
// long until TERM has ended it; then it is killed.
const (
	readyLimit = 10 * time.Second
	endLimit   = 5 * time.Second
)

// Daemon is a server that a program has started and will end.
type Daemon struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{} // closed when it was reaped
}

// Done is closed when the server was reaped.
func (d *Daemon) Done() <-chan struct{} { return d.done }

// Log gives what the server has said so far.
func (d *Daemon) Log() string {
	text, _ := os.ReadFile(d.log.Name())
	return string(text)
}

// Start starts argv in a process group of its own (a Ctrl-C is for the program,
// which then ends its servers in order), stdout and stderr in a log file in
// folder, the environment with env added. Should the program be killed with -9,
// the kernel sends TERM; that is bound to the starting thread, so call it from
// main's goroutine, and lock that to the main thread in an init.
func Start(folder string, env []string, argv ...string) (*Daemon, error) {
	log, err := os.CreateTemp(folder, filepath.Base(argv[0])+"-*.log")
	if err != nil {
		return nil, err
	}
	d := &Daemon{cmd: exec.Command(argv[0], argv[1:]...), log: log, done: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("cannot start %q: %w", argv[0], err)
	}
	go func() {
		d.cmd.Wait() // Stop tells how; a server that ends early is seen by Ready
		close(d.done)
	}()
	return d, nil
}

// Pid gives the server's number.
func (d *Daemon) Pid() int { return d.cmd.Process.Pid }

// Ready asks until test succeeds; a server that ended, or doesn't answer in
// readyLimit, is an error with the first line of its log, and ended.
func (d *Daemon) Ready(test func() error) error {
	deadline := time.Now().Add(readyLimit)
	for {
		err := test()
		if err == nil {
			return nil
		}
		select {
		case <-d.done:
			err = errors.New("it ended")
		case <-time.After(10 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		err = fmt.Errorf("%s doesn't answer: %w%s", filepath.Base(d.cmd.Path), err, FirstLine(d.log))
		d.Stop()
		return err
	}
}

// Stop sends TERM to the process group, KILL to what is left after endLimit,
// and returns when the server was reaped. Calling it twice is fine.
func (d *Daemon) Stop() {
	defer d.log.Close()
	select {
	case <-d.done:
		return // reaped: the number may be another's now
	default:
	}
	syscall.Kill(-d.Pid(), syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(endLimit):
		syscall.Kill(-d.Pid(), syscall.SIGKILL)
		<-d.done
	}
}

// Kill sends KILL to the process group and returns when the server was reaped.
func (d *Daemon) Kill() {
	defer d.log.Close()
	select {
	case <-d.done:
		return
	default:
	}
	syscall.Kill(-d.Pid(), syscall.SIGKILL)
	<-d.done
}

// Signal sends sig to the server alone; one that has ended gets none.
func (d *Daemon) Signal(sig syscall.Signal) {
	select {
	case <-d.done:
	default:
		syscall.Kill(d.Pid(), sig)
	}
}

// FirstLine returns ": " and the first line that was written to file, or
// nothing.
func FirstLine(file *os.File) string {
	buffer := make([]byte, 500)
	n, _ := file.ReadAt(buffer, 0)
	line, _, _ := strings.Cut(strings.TrimSpace(string(buffer[:n])), "\n")
	if line == "" {
		return ""
	}
	return ": " + strings.TrimSpace(line)
}
