package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"rpcd/internal/rig"
)

// spawner starts the measured processes by syscall.ForkExec, which uses vfork and
// exec as posix_spawn does. It reaps them by wait4. os/exec would add pidfds,
// goroutines and a poller. A stream without another file is /dev/null, which the
// spawner owns.
type spawner struct {
	ctx   context.Context
	env   []string
	null  *os.File
	guard *guard
}

// onThread runs f on an operating system thread of its own. wait4 with
// __WNOTHREAD then sees only the children of f, and never takes a daemon's status
// from os/exec. The thread ends with f.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: so the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// newSpawner takes over the environment without RPC_* and RPCD_*: these variables
// are options of rpc and rpcd, and would change the figures.
func newSpawner(ctx context.Context) (*spawner, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &spawner{ctx: ctx, env: rig.Environment(), null: null, guard: newGuard(ctx)}, nil
}

// close ends the guard and closes /dev/null.
func (s *spawner) close() {
	s.guard.close()
	s.null.Close()
}

// start spawns argv with the streams stdin, stdout and stderr, where nil means
// /dev/null. The caller still closes its files.
func (s *spawner) start(argv []string, stdin, stdout, stderr *os.File) (int, error) {
	files := make([]uintptr, 3)
	for i, file := range []*os.File{stdin, stdout, stderr} {
		if file == nil {
			file = s.null
		}
		files[i] = file.Fd()
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: s.env, Files: files})
	if err != nil {
		return 0, fmt.Errorf("cannot start %q: %w", argv[0], err)
	}
	s.guard.add(pid)
	return pid, nil
}

// wait reaps pid, or any child of this thread if pid is -1. It returns the pid.
// An exit status other than 0 is an error.
func (s *spawner) wait(pid int) (int, error) {
	var status syscall.WaitStatus
	for {
		ended, err := syscall.Wait4(pid, &status, syscall.WNOTHREAD, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("cannot wait: %w", err)
		}
		s.guard.remove(ended)
		return ended, statusError(status)
	}
}

// statusError is nil for exit status 0.
func statusError(status syscall.WaitStatus) error {
	switch {
	case status.Signaled():
		return fmt.Errorf("killed by signal %d (%s)", status.Signal(), status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

// time spawns argv once and returns the time until it is reaped. It must run
// inside onThread.
func (s *spawner) time(argv []string) (time.Duration, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	began := time.Now()
	pid, err := s.start(argv, nil, nil, nil)
	if err != nil {
		return 0, err
	}
	_, err = s.wait(pid)
	return time.Since(began), err
}

// try runs argv once without measuring. Its error holds the text on stderr, which
// the report gives as the reason why a way can't be measured.
func (s *spawner) try(argv []string) error {
	said, err := os.CreateTemp("", "rpcd-bench-stderr-")
	if err != nil {
		return err
	}
	defer said.Close()
	os.Remove(said.Name())
	return onThread(func() error {
		pid, err := s.start(argv, nil, nil, said)
		if err != nil {
			return err
		}
		if _, err = s.wait(pid); err != nil {
			return fmt.Errorf("%w%s", err, rig.FirstLine(said))
		}
		return nil
	})
}
