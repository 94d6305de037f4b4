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
)

// contained runs the calling test in a process of its own, as alone, whose
// children have cgroups.
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

// A session of its own, its streams elsewhere, its parent gone: TERM and its
// grace reach it, and KILL.
// fault: 49
func TestCellReachesEscapees(t *testing.T) {
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
			t.Errorf("%s: the scene isn't set: it is gone already", c.name)
		}
		within(t, c.name, func() { end(ch, c.grace) })
		if alive(left) {
			t.Errorf("%s: it is still there", c.name)
		}
	}
	until(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// The group has its signal from kill(2): those who left it get theirs, the
// others none twice.
func TestCellSignalsOnce(t *testing.T) {
	if !contained(t) {
		return
	}
	const told = `trap "echo $0 USR1" USR1; trap "echo $0 USR2; exit" USR2; echo up; while :; do sleep 0.02; done`
	s := shell(t, nil, `trap "echo in USR1" USR1; trap "wait; echo in USR2; exit" USR2; setsid sh -c "$1" out & while :; do sleep 0.02; done`, told)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.Files[1] = int(w.Fd())
	c := start(t, s)
	w.Close()
	got := []string{lineFrom(t, r)}
	c.cell.signal(unix.SIGUSR1, c.PID)
	got = append(got, lineFrom(t, r))
	c.everywhere(unix.SIGUSR2)
	for line := lineFrom(t, r); line != ""; line = lineFrom(t, r) {
		got = append(got, line)
	}
	wait(t, c)
	end(c, hang)
	if want := []string{"up", "out USR1", "out USR2", "in USR2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// With Keep it lives on, and outside of what Release ends.
func TestKeepHasNoCell(t *testing.T) {
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
		t.Error("what was to be kept is gone")
	}
	_ = unix.Kill(left, unix.SIGKILL)
	until(t, "the orphan is reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// A cell is used again, but not after a KILL: what starts there may be killed
// (Linux 6.18), and not where something was left to stay.
func TestCellsAreUsedAgain(t *testing.T) {
	if !contained(t) {
		return
	}
	in := func(script string) string {
		c := start(t, shell(t, nil, script))
		name := filepath.Base(string(c.cell.cgroup))
		if st := wait(t, c); st.Wait != 0 && st.Wait != uint32(unix.SIGKILL) {
			t.Errorf("%q in cell %s: status %#x", script, name, st.Wait)
		}
		end(c, 0)
		return name
	}
	var names []string
	for _, script := range []string{"true", "true", "setsid sleep 1000 & true", "true", "kill -KILL $$", "true", "true"} {
		names = append(names, in(script))
	}
	if want := []string{"0", "0", "0", "1", "1", "2", "2"}; !slices.Equal(names, want) {
		t.Errorf("cells %v, want %v", names, want)
	}
	// What a procedure made below, or froze, isn't the next one's.
	cell := string(cells.dir) + "/2"
	for _, script := range []string{"mkdir " + cell + "/mine", "echo 1 >" + string(cells.dir) + "/3/cgroup.freeze & sleep 1000"} {
		c := start(t, shell(t, nil, script))
		used := c.cell
		if strings.Contains(script, "freeze") {
			until(t, "the freeze", func() bool { e, _ := used.events(); return strings.Contains(e, "frozen 1") })
			c.Signal(unix.SIGKILL)
		}
		wait(t, c)
		end(c, 0)
		if _, err := os.Stat(string(used.cgroup)); err == nil {
			t.Errorf("%q: its cell is still there", script)
		}
	}
	for range 3 {
		c := start(t, shell(t, nil, "exit 4"))
		if st := wait(t, c); st.Wait != 0x400 {
			t.Errorf("status %#x", st.Wait)
		}
		end(c, hang)
	}
}

// rpcd without root's rights has to read and write what is in a cell, whatever
// the umask of a caller who starts at the same time.
// fault: 101
func TestCellsHaveOurMode(t *testing.T) {
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
		if err := unix.Stat(string(c.cell.cgroup), &st); err != nil || st.Mode&0o777 != 0o755 {
			t.Errorf("%s: %#o, %v", c.cell.cgroup, st.Mode, err)
		}
		c.Signal(unix.SIGKILL)
		wait(t, c)
		end(c, 0)
	}
}

// Where no cell can be had, or none entered, the process starts without.
func TestStartWithoutCell(t *testing.T) {
	if !contained(t) {
		return
	}
	limit := func(s string) {
		if err := os.WriteFile(string(cells.dir)+"/cgroup.max.descendants", []byte(s), 0); err != nil {
			t.Fatal(err)
		}
	}
	run := func(what string, in bool) {
		c := start(t, shell(t, nil, "exit 4"))
		if (c.cell != nil) != in {
			t.Errorf("%s: in a cell: %v", what, !in)
		}
		if st := wait(t, c); st.Wait != 0x400 {
			t.Errorf("%s: status %#x", what, st.Wait)
		}
		end(c, hang)
	}
	limit("0")
	run("over the limit (EAGAIN)", false)
	limit("max")
	run("after it", true)
	if err := cells.free[0].remove(); err != nil {
		t.Fatal(err)
	}
	run("a cell that was removed", false)
	// And an error of the program is one, whatever it may mean.
	s := shell(t, nil, "")
	s.Path = "/"
	if _, err := Start(s); err != unix.EACCES {
		t.Errorf("a program that is a directory: %v", err)
	}
	run("after a failed start", true)
	if n := cellsMade(t); n != 1 {
		t.Errorf("%d cells, want 1", n)
	}
	// One that may have threads of a process makes its parent such that no new
	// one takes processes (cgroups(7), "domain invalid").
	if err := os.WriteFile(string(cells.free[0])+"/cgroup.type", []byte("threaded"), 0); err != nil {
		t.Fatal(err)
	}
	c := start(t, shell(t, nil, "exec sleep 1000"))
	run("into an invalid cgroup (EOPNOTSUPP)", false)
	c.Signal(unix.SIGKILL)
	wait(t, c)
	end(c, hang)
	if n := cellsMade(t); n != 0 {
		t.Errorf("%d cells are left", n)
	}
}

func cellsMade(t *testing.T) (n int) {
	t.Helper()
	cells.dir.walk(func(cgroup) { n++ })
	return n - 1
}

// many at once, and nothing is left of them but maxFree cells.
func TestCellsOfManyCalls(t *testing.T) {
	if !contained(t) {
		return
	}
	var all []*Child
	for range maxFree + 20 {
		all = append(all, start(t, shell(t, nil, "exec sleep 1000")))
	}
	for _, c := range all {
		c.Signal(unix.SIGTERM)
	}
	for _, c := range all {
		wait(t, c)
		end(c, hang)
	}
	if n := cellsMade(t); n != maxFree || len(cells.free) != maxFree {
		t.Errorf("%d cells, %d of them free; want %d", n, len(cells.free), maxFree)
	}
}

// Without cgroup.kill (before Linux 5.14) KILL goes to each, again and again.
func TestKillOneByOne(t *testing.T) {
	if !contained(t) {
		return
	}
	c, r := script(t, `setsid sh -c 'echo $$; while :; do setsid sh -c "sleep 0.01; exec sleep 1000" & sleep 0.01; done' & exit 0`)
	first := pidFrom(t, r)
	wait(t, c)
	within(t, "the kill", func() {
		killed(func() { c.cell.signal(unix.SIGKILL, 0) }, func() bool { return !c.cell.populated() })
	})
	if alive(first) || c.cell.populated() {
		t.Error("something lives on")
	}
	end(c, 0)
	until(t, "the orphans are reaped", func() bool { return len(ownChildren(t)) == 0 })
}

// What a killed daemon leaves is ended by the next; what a living one has isn't
// touched.
func TestContainSweeps(t *testing.T) {
	if os.Getenv(helperVariable) == "" { // this process is the daemons' parent
		_, living := helperDaemon(t)
		dead, dead1 := helperDaemon(t)
		if err := dead.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = dead.Wait()
		if !alive(dead1) {
			t.Fatal("the scene isn't set: nothing outlived the killed daemon")
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
	fmt.Println(c.PID)
	_, _ = os.Stdin.Read(make([]byte, 1)) // the end of our parent
	Release()
	os.Exit(0)
}

// helperDaemon starts this binary as a daemon with two calls, and gives the
// number of one.
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

// Where the cgroup is, by examples of hosts.
func TestOwnCgroups(t *testing.T) {
	for _, c := range []struct {
		name, list, mounts string
		want               []cgroup // nil: an error
	}{
		{"v2", "0::/user.slice/a b\n", "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n", []cgroup{"/sys/fs/cgroup/user.slice/a b"}},
		{"hybrid", "2:cpu:/x\n1:name=systemd:/y\n0::/y\n", "41 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n42 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", []cgroup{"/sys/fs/cgroup/unified/y"}},
		{"a container's namespace", "0::/\n", "600 590 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", []cgroup{"/sys/fs/cgroup"}},
		{"a container in the host's namespace", "0::/docker/abc\n", "600 590 0:30 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n", []cgroup{"/sys/fs/cgroup"}},
		{"a mount of something else", "0::/docker/abc\n", "600 590 0:30 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n", []cgroup{}},
		{"two mounts, one with a space", "0::/a\n", "6 5 0:30 / /a\\040b rw - cgroup2 cgroup rw\n7 5 0:30 /a /c rw - cgroup2 cgroup rw\n", []cgroup{"/a b/a", "/c"}},
		{"outside of the namespace", "0::/../other\n", "6 5 0:30 / /c rw - cgroup2 cgroup rw\n", nil},
		{"v1 alone", "2:cpu:/x\n", "", nil},
		{"no mount", "0::/\n", "garbage\n1 2 3\n", []cgroup{}},
	} {
		path, err := unified([]byte(c.list))
		if err != nil {
			if c.want != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if got := seen([]byte(c.mounts), path); c.want == nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// In a cgroup that once was killed, which a supervisor may use again, a kernel
// kills what is started in another: then calls run without cells.
func TestContainInAKilledCgroup(t *testing.T) {
	if !alone(t) {
		return
	}
	own, err := ownCgroups()
	if err != nil || len(own) == 0 {
		skipOrFail(t, fmt.Sprintf("no cgroup v2: %v", err))
	}
	used := filepath.Join(string(own[0]), fmt.Sprintf("rpcd-test-%d", os.Getpid()))
	if err := os.Mkdir(used, 0o755); err != nil {
		skipOrFail(t, fmt.Sprintf("cgroups can't be made here: %v", err))
	}
	enter := func(dir string) {
		if err := os.WriteFile(dir+"/cgroup.procs", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		enter(string(own[0]))
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
