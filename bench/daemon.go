package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// readyLimit is how long a server may take until it answers, endLimit how
// long until TERM has ended it; then it is killed.
const (
	readyLimit = 10 * time.Second
	endLimit   = 5 * time.Second
)

// daemon is a server that the harness has started and will end.
type daemon struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{} // closed when it was reaped
}

// startDaemon starts argv in a process group of its own (a Ctrl-C is for the
// harness, which then ends its servers in order), stdout and stderr in a log
// file in folder. Should the harness be killed with -9, the kernel sends TERM;
// that is bound to the starting thread, so call it from main's goroutine,
// which init locks to the main thread.
func startDaemon(folder string, argv ...string) (*daemon, error) {
	log, err := os.CreateTemp(folder, filepath.Base(argv[0])+"-*.log")
	if err != nil {
		return nil, err
	}
	d := &daemon{cmd: exec.Command(argv[0], argv[1:]...), log: log, done: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("cannot start %q: %w", argv[0], err)
	}
	go func() {
		d.cmd.Wait() // stop() tells how; a server that ends early is seen by ready()
		close(d.done)
	}()
	return d, nil
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// ready asks until test succeeds; a server that ended, or doesn't answer in
// readyLimit, is an error with the first line of its log, and ended.
func (d *daemon) ready(test func() error) error {
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
		err = fmt.Errorf("%s doesn't answer: %w%s", filepath.Base(d.cmd.Path), err, firstLine(d.log))
		d.stop()
		return err
	}
}

// stop sends TERM to the process group, KILL to what is left after endLimit,
// and returns when the server was reaped. Calling it twice is fine.
func (d *daemon) stop() {
	defer d.log.Close()
	select {
	case <-d.done:
		return // reaped: the number may be another's now
	default:
	}
	syscall.Kill(-d.pid(), syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(endLimit):
		syscall.Kill(-d.pid(), syscall.SIGKILL)
		<-d.done
	}
}

// answers is a test for ready: something listens at path.
func answers(path string) func() error {
	return func() error {
		conn, err := net.Dial("unix", path)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// freePort returns a TCP port of 127.0.0.1 that nobody listens on now.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
