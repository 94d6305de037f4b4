package main

import (
	"fmt"
	"syscall"

	"rpcd/internal/proc"
)

// Values of ptrace(2) that package syscall lacks.
const (
	ptraceExitKill  = 0x100000
	ptraceEventExit = 6
	ptraceEventExec = 4
)

// peakMemory runs argv once and returns the greatest resident memory, in
// bytes, of its last program (s6-sudo becomes s6-ipcclient, then s6-sudoc).
//
// Not from ru_maxrss: exec keeps in it the peak of the memory that the process
// had before, and between vfork and exec that is the harness's own, so /bin/true
// would read as big as this Go program. VmHWM belongs to the new memory alone.
// It is read from /proc in the moment of exit_group(2), where ptrace stops a
// process while its memory is still there; `/bin/true` must read about 1.1 MB.
// Every thread is traced, for the one that calls exit_group is the one that stops.
// To be called on one thread (onThread), which is the tracer.
func (s *spawner) peakMemory(argv []string) (int64, error) {
	files := []uintptr{s.null.Fd(), s.null.Fd(), s.null.Fd()}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: s.env, Files: files,
		Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		return 0, fmt.Errorf("cannot trace %q: %w", argv[0], err)
	}
	s.guard.add(pid)
	defer s.guard.remove(pid)
	var status syscall.WaitStatus
	if _, err := wait4(pid, &status); err != nil {
		return 0, err
	}
	const options = syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEEXIT | syscall.PTRACE_O_TRACEEXEC | ptraceExitKill
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		syscall.Kill(pid, syscall.SIGKILL)
		wait4(pid, &status)
		return 0, fmt.Errorf("cannot trace %q: %w", argv[0], err)
	}
	var peak int64
	file := fmt.Sprintf("/proc/%d/status", pid)
	known := map[int]bool{pid: true} // threads past their first stop
	for stopped := pid; ; {
		signal := 0
		switch {
		case !status.Stopped():
		case status.TrapCause() == ptraceEventExit:
			peak = max(peak, int64(proc.Memory(file, "VmHWM"))<<10)
		case status.TrapCause() == ptraceEventExec:
			peak = 0
		case status.StopSignal() == syscall.SIGTRAP: // exec at the start, or a new thread's parent
		case status.StopSignal() == syscall.SIGSTOP && !known[stopped]: // a new thread
		default:
			signal = int(status.StopSignal())
		}
		known[stopped] = true
		syscall.PtraceCont(stopped, signal) // ESRCH: killed meanwhile; wait4 tells
		if stopped, err = wait4(-1, &status); err != nil {
			return 0, err
		}
		if stopped == pid && (status.Exited() || status.Signaled()) {
			break
		}
	}
	if err := statusError(status); err != nil || peak != 0 {
		return peak, err
	}
	return 0, errNoPeak
}

// wait4 waits for a stop or an end of a tracee of this thread, whatever kind
// of clone it is.
func wait4(pid int, status *syscall.WaitStatus) (int, error) {
	for {
		stopped, err := syscall.Wait4(pid, status, syscall.WALL|syscall.WNOTHREAD, nil)
		if err != syscall.EINTR {
			return stopped, err
		}
	}
}
