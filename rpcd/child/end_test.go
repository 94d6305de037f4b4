package child

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

// script starts a shell with a script, and gives the pipe that it writes to.
func script(t *testing.T, text string, args ...string) (*Child, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, shell(t, w, text, args...))
	w.Close()
	t.Cleanup(func() { r.Close() })
	return c, r
}

// The leader stays a zombie until End or Reap, so that no other process has its
// number while signals may follow.
func TestLeaderIsNotReapedBeforeEnd(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, reap := range []func(*Child){(*Child).Reap, func(c *Child) { end(c, testkit.Limit) }} {
		c := start(t, shell(t, nil, "exit 4"))
		other := start(t, shell(t, nil, "exit 5")) // its SIGCHLD makes the reaper look for orphans
		for range 3 {
			if st := wait(t, c); st.Wait != 0x400 {
				t.Fatalf("status %#x", st.Wait)
			}
		}
		wait(t, other)
		time.Sleep(3 * reapPause)
		if err := unix.Kill(c.pid, 0); err != nil || proc.State(c.pid) != 'Z' {
			t.Errorf("before End: %v, state %c; want a zombie", err, proc.State(c.pid))
		}
		c.Signal(unix.SIGTERM) // to the zombie, which ignores it
		testkit.Within(t, "End", func() { reap(c) })
		other.Reap()
		if err := unix.Kill(c.pid, 0); err != unix.ESRCH {
			t.Errorf("after End: %v, want ESRCH", err)
		}
		if !c.reaped {
			t.Error("a signal would still be sent to its number")
		}
	}
}

// What the leader left behind gets TERM, and time to end by itself.
func TestEndSendsTERM(t *testing.T) {
	if !alone(t) {
		return
	}
	c, r := script(t, `sh -c 'trap "echo got TERM; exit" TERM; echo $$; while :; do sleep 0.02; done' & sleep 0.1; exit 1`)
	left := testkit.PID(t, r)
	if st := wait(t, c); st.Wait != 0x100 {
		t.Errorf("status %#x", st.Wait)
	}
	testkit.Within(t, "End", func() { end(c, 10*testkit.Limit) })
	if line := testkit.Line(t, r); line != "got TERM" {
		t.Errorf("what was left said %q", line)
	}
	if proc.Alive(left) {
		t.Error("it is still there")
	}
}

// CONT follows TERM, so that a stopped process ends, too.
func TestEndWakesTheStopped(t *testing.T) {
	if !alone(t) {
		return
	}
	c, r := script(t, `sleep 1000 & echo $!; kill -STOP $!; exit 0`)
	left := testkit.PID(t, r)
	wait(t, c)
	testkit.Eventually(t, "the stop", func() bool { return proc.State(left) == 'T' })
	testkit.Within(t, "End", func() { end(c, 10*testkit.Limit) })
	if proc.Alive(left) {
		t.Error("it is still there")
	}
}

func TestEndKillsAfterTheGrace(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, grace := range []time.Duration{0, 300 * time.Millisecond} {
		c, r := script(t, `trap '' TERM; sh -c 'echo $$; sleep 1000; sleep 1000' & sleep 1000 & wait`)
		left := testkit.PID(t, r)
		c.Signal(unix.SIGTERM)
		if err := unix.Kill(c.pid, unix.SIGKILL); err != nil { // the leader alone
			t.Fatal(err)
		}
		wait(t, c)
		deadline := time.Now().Add(grace)
		testkit.Within(t, "End", func() { c.End(deadline, nil) })
		if time.Now().Before(deadline) {
			t.Error("killed before the end of the grace")
		}
		if proc.Alive(left) {
			t.Errorf("grace %v: it is still there", grace)
		}
	}
}

// The channel cuts a grace short: the daemon closes it when it ends itself.
func TestEndNow(t *testing.T) {
	if !alone(t) {
		return
	}
	c, r := script(t, `(trap '' TERM; sh -c 'echo $$; sleep 1000') & exit 0`)
	left := testkit.PID(t, r)
	wait(t, c)
	now := make(chan struct{})
	ended := make(chan struct{})
	go func() { defer close(ended); c.End(time.Now().Add(10*testkit.Limit), now) }()
	time.Sleep(50 * time.Millisecond)
	select {
	case <-ended:
		t.Error("End didn't give the grace")
	default:
	}
	close(now)
	testkit.Within(t, "End", func() { <-ended })
	if proc.Alive(left) {
		t.Error("it is still there")
	}
}

// With an empty group End doesn't wait for anything.
func TestEndOfAnEmptyGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c := start(t, shell(t, nil, "true & wait"))
	wait(t, c)
	testkit.Within(t, "End", func() { end(c, 10*testkit.Limit) })
}

// A member of the group may have a living parent in another session, and isn't our
// child then. It belongs to the call all the same.
func TestEndReachesTheWholeGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c, r := script(t, `(sleep 1000 & echo $!; exec setsid sh -c 'echo $$; exec sleep 1000') & sleep 0.1`)
	member, outsider := testkit.PID(t, r), testkit.PID(t, r)
	if proc.Stat(member)[2] != fmt.Sprint(c.pid) || proc.Stat(outsider)[2] == fmt.Sprint(c.pid) {
		t.Fatal("the two processes aren't in the groups that the test needs")
	}
	wait(t, c)
	testkit.Within(t, "End", func() { end(c, time.Second) }) // no signal tells us of its death
	if proc.Alive(member) {
		t.Error("a member of the group lives on")
	}
	if !proc.Alive(outsider) {
		t.Error("what made a session of its own was ended")
	}
	_ = unix.Kill(member, unix.SIGKILL)
	_ = unix.Kill(outsider, unix.SIGKILL)
	testkit.Eventually(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

func TestReapLeavesTheGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c, r := script(t, `sleep 1000 & echo $!`)
	left := testkit.PID(t, r)
	wait(t, c)
	c.Reap()
	if !proc.Alive(left) {
		t.Error("what the leader left was ended")
	}
	if err := unix.Kill(left, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the orphan is reaped", func() bool { return len(ownChildren(t)) == 0 })
}

func TestSignalReachesTheGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c, r := script(t, `trap "wait; echo leader; exit 6" USR1; sh -c 'trap "echo child; exit" USR1; echo ready; while :; do sleep 0.02; done' & while :; do sleep 0.02; done`)
	testkit.Line(t, r)
	c.Signal(unix.SIGUSR1)
	if got := testkit.Line(t, r) + " " + testkit.Line(t, r); got != "child leader" {
		t.Errorf("%q", got)
	}
	if st := wait(t, c); st.Wait != 0x600 {
		t.Errorf("status %#x", st.Wait)
	}
	end(c, testkit.Limit)
}

// Orphans that made sessions of their own are reaped when they die, and no child
// of Start is reaped with them.
// fault: 75
func TestOrphansAndOwnChildren(t *testing.T) {
	if !alone(t) {
		return
	}
	const calls, orphans = 200, 10
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			status := i % 256
			s := shell(t, nil, fmt.Sprintf(`i=0; while [ $i -lt %d ]; do (setsid true & true &); i=$((i+1)); done; exit %d`, orphans/2, status))
			begin := Start
			if i%2 == 0 {
				begin = onMainThread
			}
			c, err := begin(s)
			if err != nil {
				t.Error(err)
				return
			}
			st, err := c.Wait()
			if err != nil || st.Wait != uint32(status)<<8 {
				t.Errorf("child %d: status %#x, %v", i, st.Wait, err)
			}
			end(c, testkit.Limit)
		})
	}
	testkit.Within(t, "the children", all.Wait)
	testkit.Eventually(t, "all orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}
