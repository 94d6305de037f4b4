package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
)

// nobody is a daemon's resident workers where there are none.
type nobody struct{ Residents }

func (nobody) Forget(string)  {}
func (nobody) Leftovers() int { return 0 }
func (nobody) Close()         {}

func TestMain(m *testing.M) {
	if err := child.Setup(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// started starts a script that leaves a process behind, and waits for its end.
// It gives the process and what is left of it.
func started(t *testing.T, r *Runners, p *export.Procedure, leaves string) (process Process, left int) {
	t.Helper()
	runner := r.For(p)
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	process, err = runner.Start(t.Context(), Job{
		Path: "/bin/sh", Argv: []string{"sh", "-c", leaves + " & echo $!; exit 3"},
		Env: os.Environ(), Dir: int(dir.Fd()), Files: []int{-1, int(in.Fd()), 2},
	})
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	left = testkit.PID(t, out)
	status, err := process.Wait()
	if err != nil || status.Wait != 3<<8 {
		t.Fatalf("%+v, %v", status, err)
	}
	t.Cleanup(func() { _ = syscall.Kill(left, syscall.SIGKILL) })
	return process, left
}

// What a call leaves is ended, and counted until it is gone.
func TestLeftoversAreEnded(t *testing.T) {
	changed := make(chan struct{}, 1)
	r := NewRunners(false, nobody{}, func() { changed <- struct{}{} })
	process, left := started(t, r, &export.Procedure{}, "sleep 1000")
	if n := r.Leftovers(); n != 0 || !proc.Alive(left) {
		t.Fatalf("%d leftovers before Close", n)
	}
	testkit.Eventually(t, "the shell's child is a sleep", func() bool {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", left))
		return string(comm) == "sleep\n"
	})
	var names []string
	process.Close(time.Now().Add(testkit.Limit), func(l child.Left) { names = l.Names })
	process.Close(time.Now(), nil)
	testkit.Within(t, "the end of the leftovers", func() { <-changed })
	if n := r.Leftovers(); n != 0 || proc.Alive(left) {
		t.Errorf("%d leftovers, alive %v", n, proc.Alive(left))
	}
	if !slices.Equal(names, []string{"sleep"}) {
		t.Errorf("ended %q", names)
	}
}

// Where a procedure keeps what it leaves, or all procedures do, that lives on.
func TestKeptLeftovers(t *testing.T) {
	for _, c := range []struct{ all, own bool }{{true, false}, {false, true}} {
		r := NewRunners(c.all, nobody{}, func() { t.Error("leftovers were ended") })
		process, left := started(t, r, &export.Procedure{Keep: c.own}, "sleep 1000")
		process.Close(time.Now(), func(l child.Left) { t.Errorf("ended %q", l.Names) })
		if n := r.Leftovers(); n != 0 || !proc.Alive(left) {
			t.Errorf("%+v: %d leftovers, alive %v", c, n, proc.Alive(left))
		}
	}
}

// When the daemon stops, leftovers that ignore TERM don't have their grace.
func TestCloseEndsTheGrace(t *testing.T) {
	changed := make(chan struct{}, 1)
	r := NewRunners(false, nobody{}, func() { changed <- struct{}{} })
	process, left := started(t, r, &export.Procedure{}, "(trap '' TERM; echo >&2; exec sleep 1000)")
	process.Close(time.Now().Add(time.Hour), func(child.Left) {})
	if n := r.Leftovers(); n != 1 {
		t.Errorf("%d leftovers", n)
	}
	r.Close()
	r.Close()
	testkit.Within(t, "the end of the leftovers", func() { <-changed })
	if proc.Alive(left) {
		t.Error("it lives on")
	}
}

func TestNothingStartsForACallerThatHasLeft(t *testing.T) {
	runner := NewRunners(false, nobody{}, func() {}).For(&export.Procedure{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runner.Start(ctx, Job{Path: "/bin/true", Argv: []string{"true"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
