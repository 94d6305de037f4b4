package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testbin"
	"rpcd/rpcd/wire"
)

// A context that ends kills the whole group, and is Wait's error.
func TestContext(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		ctx, cancel := context.WithCancel(t.Context())
		c := CommandContext(ctx, worker, "sh", "-c", `sleep 1000 & echo $!; echo $$; wait`)
		r := begin(t, c)
		child, leader := pidFrom(t, r), pidFrom(t, r)
		cancel()
		if err := c.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("wait: %v, want context.Canceled", err)
		}
		testbin.Eventually(t, "the group is gone", func() bool { return !alive(child) && !alive(leader) })

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

// Cancel says what the end of the context does; a procedure that then succeeds
// has succeeded.
func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		for script, want := range map[string]error{
			`trap 'exit 0' USR1; echo; while :; do sleep 0.02; done`: nil,
			`trap 'exit 3' USR1; echo; while :; do sleep 0.02; done`: context.Canceled,
		} {
			ctx, cancel := context.WithCancel(t.Context())
			c := CommandContext(ctx, worker, "sh", "-c", script)
			c.Cancel = func() error { return c.Signal(syscall.SIGUSR1) }
			lineFrom(t, begin(t, c))
			cancel()
			if err := c.Wait(); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", script, err, want)
			}
		}
	})
}

// What holds the procedure's stdout open beyond its end is waited for until
// WaitDelay; over frames, the worker's own patience ends it.
func TestWaitDelay(t *testing.T) {
	each(t, func(t *testing.T, worker string, bridged bool) {
		var out bytes.Buffer
		c := sh(worker, `exec 3>&1; echo $(setsid sh -c 'trap "" TERM; sleep 1000 >&3 & echo $!')`)
		c.Stdout, c.WaitDelay = &out, 100*time.Millisecond
		err := c.Run()
		if bridged && err != nil || !bridged && !errors.Is(err, ErrWaitDelay) {
			t.Errorf("%v", err)
		}
		if pid := pidFrom(t, &out); !alive(pid) {
			t.Error("what ignores TERM is gone before the grace")
		} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}, "--grace", "60s")
}

// A worker that is frozen can't keep a cancelled call.
func TestWaitDelayOfAFrozenWorker(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w")
	ctx, cancel := context.WithCancel(t.Context())
	c := CommandContext(ctx, "w", "sleep", "1000")
	c.WaitDelay = 100 * time.Millisecond
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	freeze(t, rpcd.Process)
	cancel()
	within(t, func() {
		if err := c.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestSignal(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, `trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.02; done`)
		r := begin(t, c)
		lineFrom(t, r)
		if err := c.Signal(syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
		if line := lineFrom(t, r); line != "got" {
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
			if c.Signal(none) == nil || c.Abandon(none) == nil || Kill(t.Context(), worker, c.ID(), none, hang) == nil {
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

// A caller that abandons its call gives no grace.
// fault: 3
func TestAbandon(t *testing.T) {
	w := newWorld(t)
	w.serve("w", "--grace", "1h")
	w.bridge("b", "w")
	for _, worker := range []string{"w", "b"} {
		c := sh(worker, `trap '' TERM INT; echo $$; while :; do sleep 0.02; done`)
		pid := pidFrom(t, begin(t, c))
		if err := c.Abandon(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		within(t, func() { _ = c.Wait() })
		testbin.Eventually(t, "the procedure is gone", func() bool { return !alive(pid) })
	}
}

func TestStoppedAndContinued(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, `echo $$; sleep 1000 & echo $!; wait`)
		r := begin(t, c)
		leader, child := pidFrom(t, r), pidFrom(t, r)
		if err := c.Stopped(); err != nil {
			t.Error(err)
		}
		testbin.Eventually(t, "the group stops", func() bool { return state(leader) == 'T' && state(child) == 'T' })
		if err := c.Continued(); err != nil {
			t.Error(err)
		}
		testbin.Eventually(t, "the group runs", func() bool { return state(leader) == 'S' && state(child) == 'S' })
		_ = c.Signal(syscall.SIGTERM)
		_ = c.Wait()
		if c.ProcessState == nil || c.ProcessState.Sys().Signal() != syscall.SIGTERM {
			t.Errorf("%v", c.ProcessState)
		}
	})
}

// A time limit's end is ErrTimeout, whatever the procedure makes of it.
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

// A refusal has words, also where the worker has none.
// fault: 28
func TestRefusalWithoutAText(t *testing.T) {
	w := newWorld(t)
	for code, outcome := range outcomes {
		name := "w" + itoa(int(code))
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
	_ = rpcd.Process.Kill()
	_ = rpcd.Wait()
	want(t, Command("killed", "true").Run(), ErrUnreachable, false)
}

// Patience waits for a worker to come up.
func TestPatience(t *testing.T) {
	w := newWorld(t)
	c := Command("late", "echo", "here")
	c.Patience = hang
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
	within(t, func() {
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil || out.String() != "here\n" {
			t.Errorf("%q, %v", &out, err)
		}
	})
	c = Command("never", "true")
	c.Patience = 100 * time.Millisecond
	want(t, c.Run(), ErrUnreachable, false)
	// The context ends it, too; so does what won't get better.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c = CommandContext(ctx, "never", "true")
	c.Patience = time.Hour
	within(t, func() {
		if err := c.Run(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	c = Command("late", "nosuchcommand")
	c.Patience = time.Hour
	within(t, func() { want(t, c.Run(), ErrUnknown, false) })
}

// occupy starts a call that runs until the test's end.
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
	c.Patience = 100 * time.Millisecond
	want(t, c.Run(), ErrBusy, false)
	c = Command("w", "true")
	c.Patience = hang
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	_ = first.Kill()
	if err := <-done; err != nil {
		t.Errorf("a place became free: %v", err)
	}
}

// A call that waits in the queue can be cancelled, and never runs.
func TestCanceledInTheQueue(t *testing.T) {
	w := newWorld(t)
	w.serve("w", "--max-calls", "1")
	w.bridge("b", "w")
	occupy(t, "w")
	ran := filepath.Join(t.TempDir(), "ran")
	for _, worker := range []string{"w", "b"} {
		waits := func(n uint32) {
			testbin.Eventually(t, "the call waits", func() bool {
				infos, err := Ping(t.Context(), "w", time.Second)
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
		within(t, func() { want(t, <-done, ErrCanceled, false) })
		waits(0)

		ctx, cancel := context.WithCancel(t.Context())
		c = CommandContext(ctx, worker, "touch", ran)
		go func() { done <- c.Run() }()
		waits(1)
		cancel()
		within(t, func() {
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

// A call that runs keeps no limit from a signal that came before, or at the same
// moment.
// fault: 78
func TestAnswerEndsTheHurry(t *testing.T) {
	k := &call{}
	k.hurried()
	if told, silent := k.settle(); !told || silent || k.hurry.Stop() {
		t.Errorf("told %v, silent %v, or the time still runs", told, silent)
	}
	k.hurry = nil
	if k.hurried(); k.hurry != nil {
		t.Error("a call that runs was given a limit")
	}
}

func TestDraining(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w", "--drain", "1h")
	occupied := occupy(t, "w")
	if err := rpcd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testbin.Eventually(t, "it drains", func() bool {
		infos, err := Ping(t.Context(), "w", time.Second)
		return err == nil && infos[0].State == "draining"
	})
	want(t, Command("w", "true").Run(), ErrDraining, false)
	_ = occupied.Kill()
	_ = occupied.Wait()
	within(t, func() {
		if err := rpcd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// A connection that ends before the call is an error, never status 0.
// fault: 5 kubernetes-cut-status
func TestLost(t *testing.T) {
	t.Run("rpcd killed", func(t *testing.T) {
		w := newWorld(t)
		rpcd := w.serve("w")
		c := sh("w", "echo $$; exec sleep 1000")
		pid := pidFrom(t, begin(t, c))
		_ = rpcd.Process.Kill()
		_ = rpcd.Wait()
		within(t, func() { want(t, c.Wait(), ErrLost, true) })
		if c.ProcessState != nil {
			t.Errorf("a state out of nowhere: %v", c.ProcessState)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL) // nobody else can
	})
	t.Run("bridge cut", func(t *testing.T) {
		w := newWorld(t)
		w.serve("w")
		bridge := w.bridge("b", "w")
		c := sh("b", "echo $$; exec sleep 1000")
		pid := pidFrom(t, begin(t, c))
		cutChildren(t, bridge.Process.Pid)
		within(t, func() { want(t, c.Wait(), ErrLost, true) })
		testbin.Eventually(t, "the procedure is gone", func() bool { return !alive(pid) })
	})
}

// cutChildren kills the children of a process that the test started: socat
// has one for each connection.
func cutChildren(t *testing.T, pid int) {
	t.Helper()
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/task/" + itoa(pid) + "/children")
	if err != nil {
		testbin.Lack(t, "the kernel tells no children: %v", err)
	}
	for _, word := range strings.Fields(string(b)) {
		_ = syscall.Kill(atoi(word), syscall.SIGKILL)
	}
}

// A caller that ends takes its call with it.
// fault: 1
func TestCallerVanishes(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, "sleep 1000 & echo $!; wait")
		pid := pidFrom(t, begin(t, c))
		c.current().close()
		want(t, c.Wait(), ErrLost, true)
		testbin.Eventually(t, "the procedure is gone", func() bool { return !alive(pid) })
	})
}

// Something that speaks no rpc is told apart from a worker.
func TestProtocol(t *testing.T) {
	w := newWorld(t)
	testbin.Need(t, "socat")
	path := filepath.Join(w.dir, "echo.sock")
	w.background("socat", "UNIX-LISTEN:"+path+",fork", "SYSTEM:echo no rpc here at all; cat >/dev/null") // socat drops what it read of a program that has ended
	testbin.Eventually(t, "socat accepts", func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	c := Command("echo", "true")
	c.Stdin = io.LimitReader(nil, 0)
	within(t, func() {
		var e *Error
		if err := c.Run(); !errors.As(err, &e) || e.Outcome != ErrProtocol {
			t.Errorf("%v", err)
		}
	})
}
