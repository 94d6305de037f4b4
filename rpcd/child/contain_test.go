package child

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
	"rpcd/rpcd/child/cgroup"
)

// contained runs the calling test as alone does, in a process whose children have
// cgroups.
func contained(t *testing.T) bool {
	t.Helper()
	if !alone(t) {
		return false
	}
	where, err := Contain()
	if err != nil {
		testkit.Lack(t, "calls can't have cgroups here: %v", err)
	}
	t.Cleanup(func() {
		Release()
		if _, err := os.Stat(where); err == nil {
			t.Errorf("%s is left", where)
		}
	})
	return true
}

// A process that has left the process group still gets TERM and, after the grace,
// KILL. It may have made a session of its own, closed its streams or lost its
// parent.
// fault: 49
func TestCgroupReachesEscapees(t *testing.T) {
	if !contained(t) {
		return
	}
	for _, c := range []struct {
		name, script string
		grace        time.Duration
	}{
		{"a session", `setsid sh -c 'echo $$; exec sleep 1000' & exit 3`, 10 * testkit.Limit},
		{"a daemon", `(setsid sh -c 'sh -c "echo \$\$; exec </dev/null >/dev/null 2>&1; exec sleep 1000" & exit' &) ; exit 3`, 10 * testkit.Limit},
		{"stopped", `setsid sh -c 'echo $$; kill -STOP $$' & exit 3`, 10 * testkit.Limit},
		{"a living parent", `setsid sh -c 'setsid sh -c "echo \$\$; exec sleep 1000" & wait' & exit 3`, 10 * testkit.Limit},
		{"one that ignores TERM", `setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & exit 3`, 100 * time.Millisecond},
		{"a group and a session", `(trap "" TERM; sleep 1000) & setsid sh -c 'echo $$; exec sleep 1000' & exit 3`, 100 * time.Millisecond},
	} {
		ch, r := script(t, c.script)
		left := testkit.PID(t, r)
		if st := wait(t, ch); st.Wait != 0x300 {
			t.Errorf("%s: status %#x", c.name, st.Wait)
		}
		if !proc.Alive(left) {
			t.Errorf("%s: it ended before End", c.name)
		}
		testkit.Within(t, c.name, func() { end(ch, c.grace) })
		if proc.Alive(left) {
			t.Errorf("%s: it lives on", c.name)
		}
	}
	testkit.Eventually(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// Members of the process group get a signal by kill(2), those of the session that
// have left it one by one, and processes outside the session by the cgroup. Nobody
// gets it twice.
func TestCgroupSignalsOnce(t *testing.T) {
	if !contained(t) {
		return
	}
	const outsider = `trap "echo $0 USR1" USR1; trap "echo $0 USR2; exit" USR2; echo up; while :; do sleep 0.02; done`
	c, r := script(t, `trap "echo in USR1" USR1; trap "wait; echo in USR2; exit" USR2; setsid sh -c "$1" out & while :; do sleep 0.02; done`, outsider)
	got := []string{testkit.Line(t, r)}
	if out := c.leaf.Outside(c.inSession); len(out) < 1 || proc.Stat(out[0])[3] == fmt.Sprint(c.pid) {
		t.Errorf("outside of the session are %v", out)
	}
	c.SignalAll(unix.SIGUSR1, unix.SIGUSR2)
	var rest []byte
	testkit.Within(t, "the rest of the output", func() { rest, _ = io.ReadAll(r) })
	got = append(got, strings.Split(strings.TrimSuffix(string(rest), "\n"), "\n")...)
	wait(t, c)
	end(c, testkit.Limit)
	slices.Sort(got) // the two have the signals side by side
	if want := []string{"in USR1", "in USR2", "out USR1", "out USR2", "up"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A call with Keep has no cgroup, so Release ends nothing of it.
func TestKeepHasNoCgroup(t *testing.T) {
	if !contained(t) {
		return
	}
	s := shell(t, nil, `setsid sh -c 'echo $$; exec sleep 1000' & exit 0`)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.Files[1], s.Keep = int(w.Fd()), true
	c := start(t, s)
	w.Close()
	left := testkit.PID(t, r)
	wait(t, c)
	c.Reap()
	Release()
	if !proc.Alive(left) {
		t.Error("what the call left was ended")
	}
	_ = unix.Kill(left, unix.SIGKILL)
	testkit.Eventually(t, "the orphan is reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// nameOf is the name of the cgroup that a child was started in.
func nameOf(c *Child) string { return filepath.Base(c.leaf.Path()) }

// A cgroup is used again, but not after a KILL, since what starts there may be
// killed (Linux 6.18).
func TestCgroupsAreUsedAgain(t *testing.T) {
	if !contained(t) {
		return
	}
	var names []string
	for _, script := range []string{"true", "true", "setsid sleep 1000 & true", "true", "kill -KILL $$", "true", "true"} {
		c := start(t, shell(t, nil, script))
		names = append(names, nameOf(c))
		if st := wait(t, c); st.Wait != 0 && st.Wait != uint32(unix.SIGKILL) {
			t.Errorf("%q in cgroup %s: status %#x", script, nameOf(c), st.Wait)
		}
		end(c, 0)
	}
	if want := []string{"0", "0", "0", "1", "1", "2", "2"}; !slices.Equal(names, want) {
		t.Errorf("cgroups %v, want %v", names, want)
	}
	for range 3 {
		c := start(t, shell(t, nil, "exit 4"))
		if st := wait(t, c); st.Wait != 0x400 {
			t.Errorf("status %#x", st.Wait)
		}
		end(c, testkit.Limit)
	}
}

// What a procedure made below its cgroup, or froze, is not left to the next call.
func TestChangedCgroupsAreRemoved(t *testing.T) {
	if !contained(t) {
		return
	}
	for i, script := range []string{"mkdir %s/mine", "echo 1 >%s/cgroup.freeze & sleep 1000"} {
		c := start(t, shell(t, nil, fmt.Sprintf(script, filepath.Join(parent.Path(), fmt.Sprint(i)))))
		path := c.leaf.Path()
		if strings.Contains(script, "freeze") {
			testkit.Eventually(t, "the freeze", func() bool {
				events, _ := os.ReadFile(path + "/cgroup.events")
				return strings.Contains(string(events), "frozen 1")
			})
			c.Signal(unix.SIGKILL)
		}
		wait(t, c)
		end(c, 0)
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q: its cgroup is still there", script)
		}
	}
}

// The umask of a call that starts at the same time doesn't change a cgroup's mode.
// rpcd without root's rights has to read and write the files of a cgroup.
// fault: 101
func TestCgroupsHaveOurMode(t *testing.T) {
	if !contained(t) {
		return
	}
	s := shell(t, nil, "exec sleep 1000")
	s.Umask = 0o777
	var starts sync.WaitGroup
	begun := make(chan *Child, 60)
	for range cap(begun) {
		starts.Go(func() {
			if c, err := Start(s); err != nil {
				t.Error(err)
			} else {
				begun <- c
			}
		})
	}
	starts.Wait()
	close(begun)
	for c := range begun {
		var st unix.Stat_t
		if err := unix.Stat(c.leaf.Path(), &st); err != nil || st.Mode&0o777 != 0o755 {
			t.Errorf("%s: %#o, %v", c.leaf.Path(), st.Mode, err)
		}
		c.Signal(unix.SIGKILL)
		wait(t, c)
		end(c, 0)
	}
}

// Where no cgroup can be made or entered, the process starts without one.
func TestStartWithoutCgroup(t *testing.T) {
	if !contained(t) {
		return
	}
	limit := func(s string) {
		if err := os.WriteFile(parent.Path()+"/cgroup.max.descendants", []byte(s), 0); err != nil {
			t.Fatal(err)
		}
	}
	run := func(what string, in bool) (path string) {
		c := start(t, shell(t, nil, "exit 4"))
		if (c.leaf != nil) != in {
			t.Errorf("%s: in a cgroup: %v", what, !in)
		}
		if st := wait(t, c); st.Wait != 0x400 {
			t.Errorf("%s: status %#x", what, st.Wait)
		}
		path = c.leaf.Path()
		end(c, testkit.Limit)
		return path
	}
	limit("0")
	run("over the limit (EAGAIN)", false)
	limit("max")
	if err := os.Remove(run("after it", true)); err != nil {
		t.Fatal(err)
	}
	run("a cgroup that was removed", false)
	// The same errno from the program is still an error.
	s := shell(t, nil, "")
	s.Path = "/"
	if _, err := Start(s); err != unix.EACCES {
		t.Errorf("a program that is a directory: %v", err)
	}
	last := run("after a failed start", true)
	if n := cgroupsMade(t); n != 1 {
		t.Errorf("%d cgroups, want 1", n)
	}
	// A threaded cgroup makes its parent such that new ones take no processes
	// (cgroups(7), "domain invalid").
	if err := os.WriteFile(last+"/cgroup.type", []byte("threaded"), 0); err != nil {
		t.Fatal(err)
	}
	c := start(t, shell(t, nil, "exec sleep 1000"))
	run("into an invalid cgroup (EOPNOTSUPP)", false)
	c.Signal(unix.SIGKILL)
	wait(t, c)
	end(c, testkit.Limit)
	if n := cgroupsMade(t); n != 0 {
		t.Errorf("%d cgroups are left", n)
	}
}

// cgroupsMade counts the cgroups in the parent.
func cgroupsMade(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir(parent.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			n++
		}
	}
	return n
}

// Without cgroup.kill (before Linux 5.14) KILL goes to one process after the
// other, until none is left.
func TestKillOneByOne(t *testing.T) {
	if !contained(t) {
		return
	}
	c, r := script(t, `setsid sh -c 'echo $$; while :; do setsid sh -c "sleep 0.01; exec sleep 1000" & sleep 0.01; done' & exit 0`)
	first := testkit.PID(t, r)
	wait(t, c)
	testkit.Within(t, "the kill", func() {
		killUntil(func() {
			for _, pid := range c.leaf.Outside(c.inSession) {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}, c.leaf.Empty)
	})
	if proc.Alive(first) || !c.leaf.Empty() {
		t.Error("something lives on")
	}
	end(c, 0)
	testkit.Eventually(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// A daemon ends what killed ones have left, and doesn't touch the calls of those
// that live.
func TestContainSweeps(t *testing.T) {
	if os.Getenv(helperVariable) == "" { // this process is the daemons' parent
		_, living := helperDaemon(t)
		dead, dead1 := helperDaemon(t)
		if err := dead.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = dead.Wait()
		if !proc.Alive(dead1) {
			t.Fatal("nothing outlived the killed daemon")
		}
		_, third := helperDaemon(t)
		testkit.Eventually(t, "the orphan's end", func() bool { return !proc.Alive(dead1) })
		if !proc.Alive(living) || !proc.Alive(third) {
			t.Error("calls of living daemons were ended")
		}
		return
	}
	if err := Setup(); err != nil {
		t.Fatal(err)
	}
	if _, err := Contain(); err != nil {
		fmt.Println("cannot:", err)
		os.Exit(0)
	}
	s := shell(t, nil, "trap '' TERM HUP; setsid sleep 1000 & wait")
	start(t, s)
	c := start(t, shell(t, nil, "exec sleep 1000"))
	fmt.Println(c.pid)
	_, _ = os.Stdin.Read(make([]byte, 1)) // until our parent ends
	Release()
	os.Exit(0)
}

// helperDaemon starts this binary as a daemon with two calls, and gives the
// process number of one.
func helperDaemon(t *testing.T) (*exec.Cmd, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), helperVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	line := testkit.Line(t, out)
	if why, no := strings.CutPrefix(line, "cannot: "); no {
		testkit.Lack(t, "calls can't have cgroups here: %s", why)
	}
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatalf("the daemon says %q", line)
	}
	return cmd, pid
}

// A supervisor may start rpcd in a cgroup that was once written to by cgroup.kill.
// There Linux 6.18 kills what is started in a new cgroup, so calls run without.
func TestContainInAKilledCgroup(t *testing.T) {
	if !alone(t) {
		return
	}
	own, err := cgroup.Own()
	if err != nil || len(own) == 0 {
		testkit.Lack(t, "no cgroup v2: %v", err)
	}
	used := filepath.Join(own[0], fmt.Sprintf("rpcd-test-%d", os.Getpid()))
	if err := os.Mkdir(used, 0o755); err != nil {
		testkit.Lack(t, "cgroups can't be made here: %v", err)
	}
	enter := func(dir string) {
		if err := os.WriteFile(dir+"/cgroup.procs", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		enter(own[0])
		if err := os.Remove(used); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(used+"/cgroup.kill", []byte("1"), 0); err != nil {
		testkit.Lack(t, "no cgroup.kill: %v", err)
	}
	enter(used)
	if _, err := Contain(); err != nil {
		t.Logf("not contained: %v", err)
	}
	defer Release()
	for range 3 {
		c := start(t, shell(t, nil, "exit 4"))
		if st := wait(t, c); st.Wait != 0x400 {
			t.Errorf("status %#x", st.Wait)
		}
		end(c, testkit.Limit)
	}
}
