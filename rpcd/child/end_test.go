package child

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// own starts a process in a process group of its own, as a shell's jobs have.
const own = `own() { exec perl -e 'setpgrp; exec @ARGV or die' "$@"; }; `

// Processes that have left the process group and not the session belong to the
// call. They are named before they are ended.
// fault: 110
func TestEndReachesTheSession(t *testing.T) {
	if !alone(t) {
		return
	}
	testkit.Need(t, "perl")
	for _, tt := range []struct {
		what, text, name string
	}{
		{"a job", `own sh -c 'sleep 1000 & echo $$; wait' &`, "sh"},
		{"a job's child", `own sh -c 'sleep 1000 & echo $!' &`, "sleep"},
		{"a job that ignores TERM", `own sh -c 'trap "" TERM; echo $$; while read x; do :; done <>"$0"' "$1" &`, "sh"},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fifo := t.TempDir() + "/fifo"
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		c := start(t, shell(t, w, own+tt.text+` while :; do sleep 0.02; done`, fifo))
		w.Close()
		left := testkit.PID(t, r)
		if proc.Stat(left)[3] != fmt.Sprint(c.pid) || proc.Stat(left)[2] == fmt.Sprint(c.pid) {
			t.Errorf("%s isn't in a group of its own in the session", tt.what)
		}
		_ = unix.Kill(c.pid, unix.SIGKILL)
		wait(t, c)
		var found Left
		testkit.Within(t, "End", func() { found = c.End(time.Now().Add(time.Second), nil) })
		if proc.Alive(left) || found.Stuck || !slices.Contains(found.Names, tt.name) {
			t.Errorf("%s: alive %v, left %+v", tt.what, proc.Alive(left), found)
		}
		r.Close()
	}
	testkit.Eventually(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// What forks into ever new process groups doesn't outrun KILL.
func TestEndOfAForkBomb(t *testing.T) {
	if !alone(t) {
		return
	}
	testkit.Need(t, "perl")
	// 40 at a time, and more as processors come late: each ends when it has a child,
	// and all do after 20 s, should this test fail.
	c, r := script(t, `perl -e '$| = 1; $SIG{TERM} = "IGNORE"; $end = time + 20; for (1 .. 40) { next if fork; setpgrp; for (;;) { exit if time > $end; $p = fork; exit if $p; defined $p or next; setpgrp } } print "$$\n"'`)
	testkit.PID(t, r)
	wait(t, c)
	testkit.Within(t, "End", func() {
		if left := c.End(time.Now(), nil); left.Stuck || len(left.Names) == 0 {
			t.Errorf("left %+v", left)
		}
	})
	if c.sessionLives() {
		t.Error("the bomb goes on")
	}
	testkit.Eventually(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// SignalAll reaches the leader's process group and the rest of the session, each
// process once. With Keep it reaches the group alone.
func TestSignalAll(t *testing.T) {
	if !alone(t) {
		return
	}
	testkit.Need(t, "perl")
	const says = `trap "echo $0-USR1" USR1; trap "echo $0-USR2; exit" USR2; echo up; while :; do sleep 0.02; done`
	for _, keep := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		s := shell(t, w, own+`trap "echo in-USR1" USR1; trap "echo in-USR2; exit" USR2; own sh -c "$1" out & while :; do sleep 0.02; done`, says)
		s.Keep = keep
		c := start(t, s)
		w.Close()
		testkit.Line(t, r)
		strays := c.strays()
		c.SignalAll(unix.SIGUSR1, unix.SIGUSR2)
		wait(t, c)
		want := []string{"in-USR1", "in-USR2", "out-USR1", "out-USR2"}
		if keep {
			want = want[:2]
			for _, pid := range strays {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		var rest []byte
		testkit.Within(t, "the rest of the output", func() { rest, _ = io.ReadAll(r) })
		got := strings.Fields(string(rest))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("keep %v: %q, want %q", keep, got, want)
		}
		r.Close()
		end(c, testkit.Limit)
	}
	testkit.Eventually(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// A member of the session may have a living parent in another session, and isn't our
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

// What resists TERM is looked at the less often the longer it resists, however often
// other processes die. Its end is still noticed, and so are the deadline and now.
// fault: 128
func TestAwaitRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &registry{changed: make(chan struct{})}
		die := time.NewTicker(reapPause)
		defer die.Stop()
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case <-die.C:
					r.wake()
				case <-stop:
					return
				}
			}
		}()
		began, looks := time.Now(), 0
		gone := func() bool { looks++; return time.Since(began) >= time.Minute }
		if !r.await(gone, began.Add(time.Hour), nil) || time.Since(began) > time.Minute+2*time.Second {
			t.Errorf("noticed after %v", time.Since(began))
		}
		if looks > 200 {
			t.Errorf("%d looks in a minute", looks)
		}
		never := func() bool { return false }
		began = time.Now()
		if r.await(never, began.Add(time.Minute), nil) || time.Since(began) != time.Minute {
			t.Errorf("the deadline is noticed after %v", time.Since(began))
		}
		now := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(now) })
		began = time.Now()
		if r.await(never, began.Add(time.Hour), now) || time.Since(began) != time.Minute {
			t.Errorf("now is noticed after %v", time.Since(began))
		}
	})
}
