package child

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
		skipOrFail(t, fmt.Sprintf("calls can't have cgroups here: %v", err))
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
		{"a session", `setsid sh -c 'echo $$; exec sleep 1000' & exit 3`, 10 * hang},
		{"a daemon", `(setsid sh -c 'sh -c "echo \$\$; exec </dev/null >/dev/null 2>&1; exec sleep 1000" & exit' &) ; exit 3`, 10 * hang},
		{"stopped", `setsid sh -c 'echo $$; kill -STOP $$' & exit 3`, 10 * hang},
		{"a living parent", `setsid sh -c 'setsid sh -c "echo \$\$; exec sleep 1000" & wait' & exit 3`, 10 * hang},
		{"one that ignores TERM", `setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & exit 3`, 100 * time.Millisecond},
		{"a group and a session", `(trap "" TERM; sleep 1000) & setsid sh -c 'echo $$; exec sleep 1000' & exit 3`, 100 * time.Millisecond},
	} {
		ch, r := script(t, c.script)
		left := pidFrom(t, r)
		if st := wait(t, ch); st.Wait != 0x300 {
			t.Errorf("%s: status %#x", c.name, st.Wait)
		}
		if !alive(left) {
			t.Errorf("%s: it ended before End", c.name)
		}
		within(t, c.name, func() { end(ch, c.grace) })
		if alive(left) {
			t.Errorf("%s: it lives on", c.name)
		}
	}
	until(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// Members of the process group get a signal by kill(2), and processes that left
// it by the cgroup. Nobody gets it twice.
func TestCgroupSignalsOnce(t *testing.T) {
	if !contained(t) {
		return
	}
	const outsider = `trap "echo $0 USR1" USR1; trap "echo $0 USR2; exit" USR2; echo up; while :; do sleep 0.02; done`
	s := shell(t, nil, `trap "echo in USR1" USR1; trap "wait; echo in USR2; exit" USR2; setsid sh -c "$1" out & while :; do sleep 0.02; done`, outsider)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.Files[1] = int(w.Fd())
	c := start(t, s)
	w.Close()
	got := []string{lineFrom(t, r)}
	c.leaf.Signal(unix.SIGUSR1, c.pid)
	got = append(got, lineFrom(t, r))
	c.signalAll(unix.SIGUSR2)
	for line := lineFrom(t, r); line != ""; line = lineFrom(t, r) {
		got = append(got, line)
	}
	wait(t, c)
	end(c, hang)
	if want := []string{"up", "out USR1", "out USR2", "in USR2"}; !slices.Equal(got, want) {
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
	left := pidFrom(t, r)
	wait(t, c)
	c.Reap()
	Release()
	if !alive(left) {
		t.Error("what the call left was ended")
	}
	_ = unix.Kill(left, unix.SIGKILL)
	until(t, "the orphan is reaped", func() bool { return len(ownChildren(t)) == 0 })
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
		end(c, hang)
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
			until(t, "the freeze", func() bool {
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
		end(c, hang)
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
	end(c, hang)
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
	first := pidFrom(t, r)
	wait(t, c)
	within(t, "the kill", func() {
		killUntil(func() { c.leaf.Signal(unix.SIGKILL, 0) }, c.leaf.Empty)
	})
	if alive(first) || !c.leaf.Empty() {
		t.Error("something lives on")
	}
	end(c, 0)
	until(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
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
		if !alive(dead1) {
			t.Fatal("nothing outlived the killed daemon")
		}
		_, third := helperDaemon(t)
		until(t, "the orphan's end", func() bool { return !alive(dead1) })
		if !alive(living) || !alive(third) {
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
	line := lineFrom(t, out)
	if why, no := strings.CutPrefix(line, "cannot: "); no {
		skipOrFail(t, "calls can't have cgroups here: "+why)
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
		skipOrFail(t, fmt.Sprintf("no cgroup v2: %v", err))
	}
	used := filepath.Join(own[0], fmt.Sprintf("rpcd-test-%d", os.Getpid()))
	if err := os.Mkdir(used, 0o755); err != nil {
		skipOrFail(t, fmt.Sprintf("cgroups can't be made here: %v", err))
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
		skipOrFail(t, fmt.Sprintf("no cgroup.kill: %v", err))
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
		end(c, hang)
	}
}
