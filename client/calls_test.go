package client

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// calls waits until n calls of a worker are in the given state, and returns all
// of its calls.
func calls(t *testing.T, worker string, n int, state CallState) []Running {
	t.Helper()
	for began := time.Now(); time.Since(began) < testkit.Limit; time.Sleep(time.Millisecond) {
		calls, err := Calls(t.Context(), worker, testkit.Limit)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, c := range calls {
			if c.State == state {
				found++
			}
		}
		if found == n {
			return calls
		}
	}
	t.Fatalf("%s never has %d calls in state %s", worker, n, state)
	return nil
}

func TestCallsAndKill(t *testing.T) {
	each(t, func(t *testing.T, worker string, bridged bool) {
		c := Command(worker, "sleep", "1000")
		c.Label = "mine"
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		r := calls(t, worker, 1, CallRunning)[0]
		if r.ID != c.ID() || r.Procedure != "sleep" || r.Label != "mine" || r.UID != uint32(os.Getuid()) || r.Age <= 0 || r.PID == 0 || r.Bridged != bridged ||
			filepath.Base(r.Socket) != worker+".sock" {
			t.Errorf("%+v", r)
		}
		if err := Kill(t.Context(), worker, r.ID, syscall.SIGUSR1, testkit.Limit); err != nil {
			t.Error(err)
		}
		var exit *ExitError
		if err := c.Wait(); !errors.As(err, &exit) || exit.Sys().Signal() != syscall.SIGUSR1 {
			t.Errorf("it ended so: %v", err)
		}
		calls(t, worker, 0, CallRunning)
		want(t, Kill(t.Context(), worker, r.ID, syscall.SIGTERM, testkit.Limit), ErrUnknown, false)
	})
}

// A waiting call that is killed never starts.
func TestKillOfAWaitingCall(t *testing.T) {
	w := newWorld(t)
	w.serve("w", "--max-calls", "1")
	first := Command("w", "sleep", "1000")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Command("w", "touch", filepath.Join(w.dir, "ran")).Run() }()
	for _, c := range calls(t, "w", 1, CallWaiting) {
		if c.State == CallWaiting {
			if err := Kill(t.Context(), "w", c.ID, syscall.SIGTERM, testkit.Limit); err != nil {
				t.Error(err)
			}
		}
	}
	want(t, <-done, ErrCanceled, false)
	_ = first.Kill()
	_ = first.Wait()
	if _, err := os.Stat(filepath.Join(w.dir, "ran")); err == nil {
		t.Error("it ran")
	}
}

// Calls returns the calls of the other replicas if one is frozen. The error says
// which replica didn't answer.
func TestCallsOfAPoolWithAFrozenReplica(t *testing.T) {
	w := newWorld(t)
	if err := os.Mkdir(filepath.Join(w.dir, "pool"), 0o755); err != nil {
		t.Fatal(err)
	}
	frozen := w.serve("pool/a")
	w.serve("pool/b")
	dead := w.serve("pool/c")
	dead.Kill()
	b := filepath.Join(w.dir, "pool/b.sock")
	c := Command(b, "sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if got := calls(t, "pool", 1, CallRunning); got[0].Socket != b {
		t.Errorf("%+v", got)
	}
	freeze(t, frozen)
	var got []Running
	for limit := 100 * time.Millisecond; len(got) == 0 && limit < testkit.Limit; limit *= 2 { // the other replicas may be slow
		var err error
		got, err = Calls(t.Context(), "pool", limit)
		want(t, err, ErrLost, false)
	}
	if len(got) != 1 || got[0].Socket != b {
		t.Errorf("%+v", got)
	}
	want(t, Kill(t.Context(), "pool", "77", syscall.SIGTERM, 100*time.Millisecond), ErrLost, false)
	if err := Kill(t.Context(), "pool", c.ID(), syscall.SIGTERM, testkit.Limit/10); err != nil {
		t.Error(err)
	}
	_ = c.Wait()
}
