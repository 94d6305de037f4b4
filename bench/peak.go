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

// peakMemory runs argv once and returns the peak resident memory, in bytes, of
// its last program. (s6-sudo becomes s6-ipcclient, and then s6-sudoc.)
//
// The peak is VmHWM in /proc, which counts from exec(2) on. ru_maxrss would also
// count the memory before exec, which is this program's own after vfork(2).
// /bin/true would then seem as big as this program, but takes only 1.1 MB.
//
// ptrace(2) stops the process at its exit_group(2), while its memory is still
// there. Any thread may call exit_group, so every thread is traced. peakMemory
// must run inside onThread, whose thread is the tracer.
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
	known := map[int]bool{pid: true} // the threads that have had their first stop
	for stopped := pid; ; {
		signal := 0
		switch {
		case !status.Stopped():
		case status.TrapCause() == ptraceEventExit:
			peak = max(peak, int64(proc.Memory(file, "VmHWM"))<<10)
		case status.TrapCause() == ptraceEventExec:
			peak = 0
		case status.StopSignal() == syscall.SIGTRAP: // after exec, or in the thread that made a new one
		case status.StopSignal() == syscall.SIGSTOP && !known[stopped]: // a new thread
		default:
			signal = int(status.StopSignal())
		}
		known[stopped] = true
		syscall.PtraceCont(stopped, signal) // ESRCH if it was killed meanwhile, which wait4 reports
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

// wait4 waits until a tracee of this thread stops or ends. __WALL lets it wait
// for threads, too.
func wait4(pid int, status *syscall.WaitStatus) (int, error) {
	for {
		stopped, err := syscall.Wait4(pid, status, syscall.WALL|syscall.WNOTHREAD, nil)
		if err != syscall.EINTR {
			return stopped, err
		}
	}
}
