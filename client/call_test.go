package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// The end of the context kills the procedure's whole process group. Wait returns
// the context's error.
func TestContext(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		ctx, cancel := context.WithCancel(t.Context())
		c := CommandContext(ctx, worker, "sh", "-c", `sleep 1000 & echo $!; echo $$; wait`)
		r := begin(t, c)
		child, leader := testkit.PID(t, r), testkit.PID(t, r)
		cancel()
		if err := c.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("wait: %v, want context.Canceled", err)
		}
		testkit.Eventually(t, "the group is gone", func() bool { return !proc.Alive(child) && !proc.Alive(leader) })

		c = CommandContext(ctx, worker, "true")
		if err := c.Start(); !errors.Is(err, context.Canceled) {
			t.Errorf("start after the end: %v", err)
		}

		ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := CommandContext(ctx, worker, "sleep", "1000").Run(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a deadline: %v", err)
		}

		ctx, cancel = context.WithCancel(t.Context())
		c = CommandContext(ctx, worker, "true")
		if err := c.Run(); err != nil {
			t.Errorf("a context that doesn't end: %v", err)
		}
		cancel()
	})
}

// Cancel is called when the context ends. If the procedure still succeeds, Wait
// returns nil.
func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		for script, want := range map[string]error{
			`trap 'exit 0' USR1; echo; while :; do sleep 0.02; done`: nil,
			`trap 'exit 3' USR1; echo; while :; do sleep 0.02; done`: context.Canceled,
		} {
			ctx, cancel := context.WithCancel(t.Context())
			c := CommandContext(ctx, worker, "sh", "-c", script)
			c.Cancel = func() error { return c.Signal(syscall.SIGUSR1) }
			testkit.Line(t, begin(t, c))
			cancel()
			if err := c.Wait(); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", script, err, want)
			}
		}
	})
}

// After the procedure's end another process holds its stdout open. Wait waits for
// that process until WaitDelay. Over a bridge the worker ends the output after
// 200 ms.
func TestWaitDelay(t *testing.T) {
	each(t, func(t *testing.T, worker string, bridged bool) {
		var out bytes.Buffer
		c := sh(worker, `exec 3>&1; echo $(setsid sh -c 'trap "" TERM; sleep 1000 >&3 & echo $!')`)
		c.Stdout, c.WaitDelay = &out, 100*time.Millisecond
		err := c.Run()
		if bridged && err != nil || !bridged && !errors.Is(err, ErrWaitDelay) {
			t.Errorf("%v", err)
		}
		if pid := testkit.PID(t, &out); !proc.Alive(pid) {
			t.Error("what ignores TERM is gone before the grace")
		} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}, "--grace", "60s")
}

// Wait returns after WaitDelay even if the worker is frozen.
func TestWaitDelayOfAFrozenWorker(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w")
	ctx, cancel := context.WithCancel(t.Context())
	c := CommandContext(ctx, "w", "sleep", "1000")
	c.WaitDelay = 100 * time.Millisecond
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	freeze(t, rpcd)
	cancel()
	testkit.Within(t, "the call", func() {
		if err := c.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestSignal(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, `trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.02; done`)
		r := begin(t, c)
		testkit.Line(t, r)
		if err := c.Signal(syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
		if line := testkit.Line(t, r); line != "got" {
			t.Errorf("%q", line)
		}
		if err := c.Wait(); c.ProcessState == nil || c.ProcessState.ExitCode() != 5 {
			t.Errorf("%v", err)
		}
		c = Command(worker, "sleep", "1000")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for _, none := range []syscall.Signal{-1, 0, 32, 64, 256 + 9} {
			if c.Signal(none) == nil || c.Abandon(none) == nil || Kill(t.Context(), worker, c.ID(), none, testkit.Limit) == nil {
				t.Errorf("signal %d was sent", none)
			}
		}
		if err := c.Kill(); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); c.ProcessState == nil || c.ProcessState.Sys().Signal() != syscall.SIGKILL {
			t.Errorf("%v", err)
		}
	})
}

// Abandon kills the procedure without a grace.
// fault: 3
func TestAbandon(t *testing.T) {
	w := newWorld(t)
	w.serve("w", "--grace", "1h")
	w.bridge("b", "w")
	for _, worker := range []string{"w", "b"} {
		c := sh(worker, `trap '' TERM INT; echo $$; while :; do sleep 0.02; done`)
		pid := testkit.PID(t, begin(t, c))
		if err := c.Abandon(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		testkit.Within(t, "the call", func() { _ = c.Wait() })
		testkit.Eventually(t, "the procedure is gone", func() bool { return !proc.Alive(pid) })
	}
}

func TestStoppedAndContinued(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, `echo $$; sleep 1000 & echo $!; wait`)
		r := begin(t, c)
		leader, child := testkit.PID(t, r), testkit.PID(t, r)
		if err := c.Stopped(); err != nil {
			t.Error(err)
		}
		testkit.Eventually(t, "the group stops", func() bool { return proc.State(leader) == 'T' && proc.State(child) == 'T' })
		if err := c.Continued(); err != nil {
			t.Error(err)
		}
		testkit.Eventually(t, "the group runs", func() bool { return proc.State(leader) == 'S' && proc.State(child) == 'S' })
		_ = c.Signal(syscall.SIGTERM)
		_ = c.Wait()
		if c.ProcessState == nil || c.ProcessState.Sys().Signal() != syscall.SIGTERM {
			t.Errorf("%v", c.ProcessState)
		}
	})
}

// Wait returns ErrTimeout at the end of the time limit, with any exit status of
// the procedure.
func TestTimeout(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		for _, script := range []string{"sleep 1000", "trap 'exit 0' TERM; while :; do sleep 0.02; done", "trap '' TERM; while :; do sleep 0.02; done"} {
			c := sh(worker, script)
			c.Timeout = 200 * time.Millisecond
			want(t, c.Run(), ErrTimeout, true)
			if c.ProcessState == nil || !c.ProcessState.TimedOut() {
				t.Errorf("%s: %v", script, c.ProcessState)
			}
		}
		c := Command(worker, "true")
		c.Timeout = time.Hour
		if err := c.Run(); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		dir := t.TempDir()
		script := func(name, text string, mode os.FileMode) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
			return path
		}
		long := strings.Repeat("x", 131072)
		want(t, Command(worker, "nosuchcommand").Run(), ErrUnknown, false)
		want(t, Command(worker, script("plain", "", 0o644)).Run(), ErrNotExecutable, false)
		want(t, Command(worker, script("lost", "#!/no/such/interpreter\n", 0o755)).Run(), ErrNotExecutable, false)
		want(t, Command(worker, "true", long).Run(), ErrTooLong, false)
		want(t, Command(worker, "true", strings.Repeat("x", 9<<20)).Run(), ErrTooLong, false)
		if out, err := Command(worker, "printf", "%s", long[1:]).Output(); err != nil || len(out) != 131071 {
			t.Errorf("the longest argument: %d bytes, %v", len(out), err)
		}
	})
}

// The error of a refusal has a text even if the worker sent none.
// fault: 28
func TestRefusalWithoutAText(t *testing.T) {
	w := newWorld(t)
	for code, outcome := range refusals {
		name := "w" + strconv.Itoa(int(code))
		w.answers(name, func(c net.Conn, _ wire.Header, _ []byte) {
			_, _ = c.Write((&wire.Refused{Code: code}).Append())
		})
		err := Command(name, "true").Run()
		want(t, err, outcome, false)
		if err != nil && len(err.Error()) < len(name)+5 {
			t.Errorf("code %d: %q", code, err)
		}
	}
}

// A failure of the worker itself is ErrFailed. It isn't retryable, since nobody
// knows whether it will pass.
func TestFailed(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int32
	w.answers("w", func(c net.Conn, _ wire.Header, _ []byte) {
		calls.Add(1)
		_, _ = c.Write((&wire.Refused{Code: wire.Failed, Text: "failed: fork: resource temporarily unavailable"}).Append())
	})
	c := Command("w", "true")
	c.RetryFor = testkit.Limit
	err := c.Run()
	want(t, err, ErrFailed, false)
	if err == nil || err.Error() != "w failed: fork: resource temporarily unavailable" || Retryable(err) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	_, err = Ping(t.Context(), "w", testkit.Limit)
	want(t, err, ErrFailed, false)
}

func TestUnreachable(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "file.sock")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, worker := range []string{"nobody", w.dir + "/nobody.sock", "file", "empty", w.dir + "/empty/"} {
		want(t, Command(worker, "true").Run(), ErrUnreachable, false)
	}
	for _, worker := range []string{"", ".", "..", "a\nb", strings.Repeat("x", 300)} {
		err := Command(worker, "true").Run()
		var e *Error
		if !errors.As(err, &e) || e.Outcome != ErrUsage || e.Started {
			t.Errorf("%.20q: %v", worker, err)
		}
	}
	rpcd := w.serve("killed")
	rpcd.Kill()
	want(t, Command("killed", "true").Run(), ErrUnreachable, false)
}

// RetryFor lets Start wait for a worker that isn't there yet.
func TestRetryFor(t *testing.T) {
	w := newWorld(t)
	c := Command("late", "echo", "here")
	c.RetryFor = testkit.Limit
	var out bytes.Buffer
	c.Stdout = &out
	started := make(chan error, 1)
	go func() { started <- c.Start() }()
	select {
	case err := <-started:
		t.Fatalf("it didn't wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	w.serve("late")
	testkit.Within(t, "the call", func() {
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil || out.String() != "here\n" {
			t.Errorf("%q, %v", &out, err)
		}
	})
	c = Command("never", "true")
	c.RetryFor = 100 * time.Millisecond
	want(t, c.Run(), ErrUnreachable, false)
	// The end of the context ends the tries, too. So does an error that isn't
	// retryable.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c = CommandContext(ctx, "never", "true")
	c.RetryFor = time.Hour
	testkit.Within(t, "the call", func() {
		if err := c.Run(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	c = Command("late", "nosuchcommand")
	c.RetryFor = time.Hour
	testkit.Within(t, "the call", func() { want(t, c.Run(), ErrUnknown, false) })
}

// All of RetryFor is used: the last try is at its end.
// fault: 119
func TestRetryForIsUsed(t *testing.T) {
	newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{0, time.Millisecond, time.Second, time.Minute} {
			began := time.Now()
			c := Command("never", "true")
			c.RetryFor = d
			want(t, c.Run(), ErrUnreachable, false)
			if took := time.Since(began); took != d {
				t.Errorf("tried for %v, not %v", took, d)
			}
		}
	})
}

// occupy starts a call that takes a place of the worker until the test's end.
func occupy(t *testing.T, worker string) *Cmd {
	t.Helper()
	c := Command(worker, "sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Kill()
		_ = c.Wait()
	})
	return c
}

func TestBusy(t *testing.T) {
	w := newWorld(t)
	w.serve("w", "--max-calls", "1", "--queue", "0")
	first := occupy(t, "w")
	want(t, Command("w", "true").Run(), ErrBusy, false)
	c := Command("w", "true")
	c.RetryFor = 100 * time.Millisecond
	want(t, c.Run(), ErrBusy, false)
	c = Command("w", "true")
	c.RetryFor = testkit.Limit
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	_ = first.Kill()
	if err := <-done; err != nil {
		t.Errorf("a place became free: %v", err)
	}
}

// A call that is cancelled in the queue never runs.
func TestCanceledInTheQueue(t *testing.T) {
	w := newWorld(t)
	w.serve("w", "--max-calls", "1")
	w.bridge("b", "w")
	occupy(t, "w")
	ran := filepath.Join(t.TempDir(), "ran")
	for _, worker := range []string{"w", "b"} {
		waits := func(n uint32) {
			testkit.Eventually(t, "the call waits", func() bool {
				infos, err := Ping(t.Context(), "w", testkit.Limit)
				return err == nil && infos[0].Load.Waiting == n
			})
		}
		c := Command(worker, "touch", ran)
		done := make(chan error, 1)
		go func() { done <- c.Run() }()
		waits(1)
		if err := c.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		testkit.Within(t, "the call", func() { want(t, <-done, ErrCanceled, false) })
		waits(0)

		ctx, cancel := context.WithCancel(t.Context())
		c = CommandContext(ctx, worker, "touch", ran)
		go func() { done <- c.Run() }()
		waits(1)
		cancel()
		testkit.Within(t, "the call", func() {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
		waits(0)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a call that was cancelled in the queue ran")
	}
}

func TestDraining(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w", "--drain", "1h")
	occupied := occupy(t, "w")
	rpcd.Signal(syscall.SIGTERM)
	testkit.Eventually(t, "it drains", func() bool {
		infos, err := Ping(t.Context(), "w", testkit.Limit)
		return err == nil && infos[0].State == "draining"
	})
	want(t, Command("w", "true").Run(), ErrDraining, false)
	_ = occupied.Kill()
	_ = occupied.Wait()
	testkit.Within(t, "the call", func() {
		if err := rpcd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// A connection that ends before the call does is an error, never status 0.
// fault: 5 kubernetes-cut-status
func TestLost(t *testing.T) {
	t.Run("rpcd killed", func(t *testing.T) {
		w := newWorld(t)
		rpcd := w.serve("w")
		c := sh("w", "echo $$; exec sleep 1000")
		pid := testkit.PID(t, begin(t, c))
		rpcd.Kill()
		testkit.Within(t, "the call", func() { want(t, c.Wait(), ErrLost, true) })
		if c.ProcessState != nil {
			t.Errorf("a state out of nowhere: %v", c.ProcessState)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL) // the dead worker can't do it
	})
	t.Run("bridge cut", func(t *testing.T) {
		w := newWorld(t)
		w.serve("w")
		bridge := w.bridge("b", "w")
		c := sh("b", "echo $$; exec sleep 1000")
		pid := testkit.PID(t, begin(t, c))
		bridge.Cut()
		testkit.Within(t, "the call", func() { want(t, c.Wait(), ErrLost, true) })
		testkit.Eventually(t, "the procedure is gone", func() bool { return !proc.Alive(pid) })
	})
}

// The end of the caller also ends its call.
// fault: 1
func TestCallerVanishes(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, "sleep 1000 & echo $!; wait")
		pid := testkit.PID(t, begin(t, c))
		c.current().Leave()
		want(t, c.Wait(), ErrLost, true)
		testkit.Eventually(t, "the procedure is gone", func() bool { return !proc.Alive(pid) })
	})
}

// A socket of another protocol gives ErrProtocol.
func TestProtocol(t *testing.T) {
	w := newWorld(t)
	testkit.Need(t, "socat")
	path := filepath.Join(w.dir, "echo.sock")
	socat, err := w.starter().Start("socat", "UNIX-LISTEN:"+path+",fork", "SYSTEM:echo no rpc here at all; cat >/dev/null") // cat keeps the program running: socat drops the output of one that has ended
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socat.Stop)
	if err := socat.Ready(rig.Accepts("unix", path)); err != nil {
		t.Fatal(err)
	}
	c := Command("echo", "true")
	c.Stdin = io.LimitReader(nil, 0)
	testkit.Within(t, "the call", func() {
		var e *Error
		if err := c.Run(); !errors.As(err, &e) || e.Outcome != ErrProtocol {
			t.Errorf("%v", err)
		}
	})
}
