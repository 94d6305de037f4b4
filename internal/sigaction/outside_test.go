//go:build amd64 || arm64

package sigaction

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// TestMain is also the process that TestOutside signals.
func TestMain(m *testing.M) {
	if os.Getenv("SIGACTION_TEST") == "" {
		os.Exit(m.Run())
	}
	for _, sig := range []syscall.Signal{unix.SIGSEGV, unix.SIGPIPE, unix.SIGFPE} {
		Outside(sig, sig == unix.SIGFPE)
	}
	os.Stdout.WriteString(fault() + "\n" + brokenPipe() + "\n")
	<-make(chan int)
}

// fault makes a fault of our own, which the runtime makes a panic of.
func fault() (said string) {
	defer func() { said = recover().(error).Error() }()
	var nothing *int
	*nothing = 1
	return "no fault"
}

// brokenPipe writes into a pipe that nobody reads.
func brokenPipe() string {
	r, w, err := os.Pipe()
	if err != nil {
		return err.Error()
	}
	r.Close()
	if _, err := w.WriteString("x"); !errors.Is(err, unix.EPIPE) {
		return "no EPIPE"
	}
	return "EPIPE"
}

// A signal of another process ends this one by its default action, without a word,
// or is dropped. The runtime still gets its own.
func TestOutside(t *testing.T) {
	for _, sig := range []syscall.Signal{unix.SIGSEGV, unix.SIGPIPE} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SIGACTION_TEST=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line := testkit.Line(t, out); !strings.Contains(line, "nil pointer") {
			t.Errorf("a fault of our own: %q", line)
		}
		if line := testkit.Line(t, out); line != "EPIPE" {
			t.Errorf("a write without a reader: %q", line)
		}
		for _, s := range []syscall.Signal{unix.SIGFPE, sig} { // the first is dropped
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != sig || stderr.Len() > 0 {
			t.Errorf("%v from outside: status %#x, said %q", sig, int(status), stderr.String())
		}
	}
}

// Take takes a pending signal away, once.
func TestTake(t *testing.T) {
	const sig = unix.SIGWINCH
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set unix.Sigset_t
	set.Val[0] = 1 << (sig - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, nil) }()
	if Blocked()>>(sig-1)&1 == 0 {
		t.Error("it isn't blocked")
	}
	if Take(sig) {
		t.Error("there was none")
	}
	if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), sig); err != nil {
		t.Fatal(err)
	}
	if !Take(sig) || Take(sig) {
		t.Error("want one")
	}
}
