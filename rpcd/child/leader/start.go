package leader

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/internal/slack"
	"rpcd/rpcd/child/openfiles"
	"rpcd/rpcd/child/starter"
)

// shown is what ps(1) shows for a leader.
var shown = [16]byte([]byte("rpcd terminal\x00\x00\x00"))

func showName() { _ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&shown)), 0, 0, 0) }

// start starts the procedure, in this process's directory and with its umask.
func start(path string, argv []string, door int) (*job, error) {
	files := inherited(door)
	pid, err := startSteps(path, argv, files)
	if errors.Is(err, starter.ErrUnsupported) {
		pid, err = startAlone(path, argv, files)
	}
	if err != nil {
		return nil, err
	}
	return &job{pid: pid}, nil
}

// inherited lists the descriptors below n that rpcd has given: those of Go's runtime
// are closed on exec. -1 is none.
func inherited(n int) []int {
	files := make([]int, n)
	for i := range files {
		files[i] = i
		if flags, err := unix.FcntlInt(uintptr(i), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			files[i] = -1
		}
	}
	return files
}

// startSteps starts it by a starter. It takes the terminal's foreground before its
// program runs, while it gets no signal.
func startSteps(path string, argv []string, files []int) (int, error) {
	lanes, err := starter.NewLanes(1)
	if err != nil {
		return 0, err
	}
	dir, err := unix.Open(".", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &starter.Error{Step: starter.Directory, Errno: err.(syscall.Errno)}
	}
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	p := &starter.Program{Path: path, Argv: argv, Env: os.Environ(), Dir: dir, Umask: mask, Files: files, Terminal: starter.Foreground}
	if first, ok := openfiles.First(); ok {
		p.OpenFiles = &unix.Rlimit{Cur: first.Soft, Max: first.Hard}
	}
	attempt, err := starter.Prepare(p, lanes[0])
	if err != nil {
		return 0, err
	}
	pidfd, err := attempt.Run(-1)
	if err != nil {
		if pid := attempt.PID(); pid > 0 {
			_, _ = unix.Wait4(pid, nil, 0, nil)
		}
		return 0, err
	}
	if pidfd >= 0 {
		unix.Close(pidfd)
	}
	unix.Close(dir)
	return attempt.PID(), nil
}

// startAlone starts it where there is no starter. Go takes the foreground only where
// TTOU is ignored, and so that stays ignored in the procedure.
func startAlone(path string, argv []string, files []int) (pid int, err error) {
	signal.Ignore(unix.SIGTTOU)
	attr := &syscall.ProcAttr{Env: os.Environ(), Sys: &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0}}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd)) // ForkExec closes ^0, which is -1
	}
	slack.Do(func() { pid, err = syscall.ForkExec(path, argv, attr) })
	return pid, err
}

// foreground makes a group of this session the terminal's foreground one.
func foreground(group int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ttou := unix.Sigset_t{}
	ttou.Val[0] = 1 << (unix.SIGTTOU - 1)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &ttou, nil) // a group in the background may do it then (tcsetpgrp(3))
	_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, group)
}
