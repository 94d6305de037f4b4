package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// served is an rpcd with a call that goes on.
type served struct {
	rpcd      *rig.Process
	call      *exec.Cmd
	socket    string
	procedure int
}

func serveOne(t *testing.T, env ...string) *served {
	t.Helper()
	folder := testkit.Folder(t)
	s := &served{socket: filepath.Join(folder, "w.sock")}
	starter := rig.Starter{Folder: folder, Env: append(testbin.Environment(), env...)}
	rpcd := filepath.Join(testbin.Dir(t), "rpcd")
	var err error
	s.rpcd, err = starter.Start(rpcd, "serve", "--listen", s.socket, "--all-commands", "--drain", "0s", "--grace", "20s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.rpcd.Stop)
	if err := s.rpcd.Ready(rig.Answers(s.socket)); err != nil {
		t.Fatal(err)
	}
	s.call = exec.Command(filepath.Join(testbin.Dir(t), "rpc"), "-C", "/", s.socket, "sh", "-c", "echo $$; exec sleep 1000")
	out, err := s.call.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.call.Start(); err != nil {
		t.Fatal(err)
	}
	s.procedure = testkit.PID(t, out)
	t.Cleanup(func() { _ = syscall.Kill(s.procedure, syscall.SIGKILL) }) // for an rpcd that leaves it
	return s
}

// ended waits for the end of both, and gives rpcd's exit status.
func (s *served) ended(t *testing.T) int {
	t.Helper()
	testkit.Within(t, "the end of rpcd", func() { <-s.rpcd.Done() })
	if proc.Alive(s.procedure) {
		t.Error("the procedure lives on")
		_ = syscall.Kill(s.procedure, syscall.SIGKILL)
	}
	_ = s.call.Wait()
	var exit *exec.ExitError
	if err := s.rpcd.Wait(); err == nil {
		return 0
	} else if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

// Every signal that ends a process by default ends rpcd in order: its calls get
// TERM, its socket is gone, the log names the signal and holds no trace.
// fault: 111
func TestSignalsDrain(t *testing.T) {
	status := map[int]int{1: -1, 2: 0, 3: 0, 13: -1, 15: 0, 25: -1, 27: -1, 32: -1, 33: -1, 34: -1} // -1: it changes nothing
	names := map[int]string{3: "SIGQUIT", 6: "SIGABRT", 11: "SIGSEGV", 14: "SIGALRM", 35: `"signal 35"`, 64: `"signal 64"`}
	for sig := 1; sig <= 64; sig++ {
		switch syscall.Signal(sig) {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
			continue
		case syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH:
			status[sig] = -1
		}
		if sig > 36 && sig < 64 {
			continue // as their neighbours
		}
		t.Run(strconv.Itoa(sig), func(t *testing.T) {
			t.Parallel()
			want, known := status[sig]
			if !known {
				want = 128 + sig
			}
			s := serveOne(t)
			s.rpcd.Signal(syscall.Signal(sig))
			if want < 0 {
				if err := rig.Answers(s.socket)(); err != nil || !proc.Alive(s.procedure) {
					t.Errorf("%v, the procedure lives: %v", err, proc.Alive(s.procedure))
				}
				want = 0
				s.rpcd.Signal(syscall.SIGTERM)
			}
			if got := s.ended(t); got != want {
				t.Errorf("exit status %d, want %d", got, want)
			}
			if status := s.call.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
				t.Errorf("the call ended by %#x, want TERM", status)
			}
			if _, err := os.Lstat(s.socket); err == nil {
				t.Error("the socket is there")
			}
			if log := s.rpcd.Log(); !strings.Contains(log, "draining: signal="+names[sig]) || strings.Contains(log, "goroutine") || strings.Count(log, "\n") > 8 {
				t.Errorf("the log is\n%s", log)
			}
		})
	}
}

// The watchdog's ABRT asks for the runtime's trace, which the service manager keeps.
func TestWatchdogGetsItsTrace(t *testing.T) {
	s := serveOne(t, "WATCHDOG_USEC=60000000")
	s.rpcd.Signal(syscall.SIGABRT)
	testkit.Within(t, "the end of rpcd", func() { <-s.rpcd.Done() })
	if log := s.rpcd.Log(); !strings.Contains(log, "goroutine") {
		t.Errorf("the log is\n%s", log)
	}
}

// What isn't serving ends at once by each signal, and without a trace, too.
func TestSignalsOfOtherVerbs(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGSEGV} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fill(t, w) // so that rpcd hangs in its write
		cmd := exec.Command(filepath.Join(testbin.Dir(t), "rpcd"), "version")
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = w, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the write", func() bool {
			waits, _ := filepath.Glob("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/task/*/wchan")
			for _, wait := range waits {
				if at, _ := os.ReadFile(wait); strings.Contains(string(at), "pipe_write") {
					return true
				}
			}
			return false
		})
		_ = cmd.Process.Signal(sig)
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != 128+int(sig) || stderr.Len() > 0 {
			t.Errorf("%v: exit status %d, stderr %q", sig, got, &stderr)
		}
		r.Close()
		w.Close()
	}
}

// fill fills a pipe.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd())
	for _, size := range []int{4096, 1} {
		for err := error(nil); err == nil; {
			_ = syscall.SetNonblock(fd, true)
			_, err = syscall.Write(fd, make([]byte, size))
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}
