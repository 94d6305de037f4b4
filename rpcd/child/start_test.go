package child

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

func TestStatuses(t *testing.T) {
	if !alone(t) {
		return
	}
	for script, want := range map[string]uint32{
		"exit 0":                         0,
		"exit 7":                         0x700,
		"exit 255":                       0xff00,
		"kill -TERM $$":                  15,
		"kill -KILL $$":                  9,
		"kill -HUP $$":                   1,
		"ulimit -c 0; kill -SEGV $$":     11,
		"ulimit -c 0; kill -ABRT $$":     6,
		"kill -STOP $$ & exec sleep 0.1": 0, // a stop is no end; see below
	} {
		c := start(t, shell(t, nil, script))
		if strings.Contains(script, "STOP") {
			testkit.Eventually(t, "the stop, or the end", func() bool { s := proc.State(c.pid); return s == 'T' || s == 'Z' })
			c.Signal(unix.SIGCONT)
		}
		if got := wait(t, c); got.Wait != want {
			t.Errorf("%q: %#x, want %#x", script, got.Wait, want)
		}
		end(c, testkit.Limit)
	}
}

// fault: 51
func TestCore(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	s := shell(t, nil, "ulimit -c unlimited; kill -SEGV $$")
	s.Dir = dirFD(t, dir)
	c := start(t, s)
	got := wait(t, c)
	var real unix.WaitStatus // wait4(2) can still be asked, since the leader isn't reaped
	if _, err := unix.Wait4(c.pid, &real, 0, nil); err != nil {
		t.Fatal(err)
	}
	end(c, 0)
	if got.Wait != uint32(real) {
		t.Errorf("%#x, wait(2) says %#x", got.Wait, uint32(real))
	}
	if !real.CoreDump() {
		testkit.Lack(t, "this machine dumps no cores")
	}
}

// si_code and si_status of waitid(2), and the status that wait(2) gives for them.
func TestWaitStatus(t *testing.T) {
	for _, c := range []struct {
		code, status int32
		want         uint32
	}{{1, 0, 0}, {1, 255, 0xff00}, {2, 9, 9}, {3, 11, 0x8b}, {2, 31, 31}} {
		if got := waitStatus(c.code, c.status); got != c.want {
			t.Errorf("code %d, status %d: %#x, want %#x", c.code, c.status, got, c.want)
		}
	}
}

// Where the kernel gives no pidfd, Wait blocks a thread and gives the same status.
// fault: 85
func TestWaitWithoutPidfd(t *testing.T) {
	if !alone(t) {
		return
	}
	c := start(t, shell(t, nil, "exit 9"))
	if c.pidfd == nil {
		testkit.Lack(t, "this kernel gives no pidfd")
	}
	c.pidfd.Close()
	c.pidfd = nil
	for range 2 { // Wait doesn't reap
		if got := wait(t, c); got.Wait != 0x900 {
			t.Errorf("%#x", got.Wait)
		}
	}
	c.Reap()
}

func TestUsage(t *testing.T) {
	if !alone(t) {
		return
	}
	c := start(t, shell(t, nil, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/dev/null bs=32M count=4 2>/dev/null"))
	st := wait(t, c)
	var usage unix.Rusage
	if _, err := unix.Wait4(c.pid, nil, 0, &usage); err != nil {
		t.Fatal(err)
	}
	end(c, 0)
	if st.User != time.Duration(usage.Utime.Nano()) || st.System != time.Duration(usage.Stime.Nano()) || st.MaxRSS != uint64(usage.Maxrss) {
		t.Errorf("%+v, wait4(2) says %+v", st, usage)
	}
	if st.User <= 0 || st.MaxRSS < 32<<10 {
		t.Errorf("it took %v and %d KiB", st.User, st.MaxRSS)
	}
}

// dispositions runs a child and checks that it ignores, blocks and catches
// nothing.
func dispositions(t *testing.T) {
	t.Helper()
	s := shell(t, nil, "")
	s.Path, s.Argv = "/bin/cat", []string{"cat", "/proc/self/status"}
	for _, line := range strings.Split(output(t, s), "\n") {
		name, mask, _ := strings.Cut(line, ":")
		if name == "SigIgn" || name == "SigBlk" || name == "SigCgt" {
			if strings.Trim(mask, "0 \t") != "" {
				t.Errorf("the child has %s", line)
			}
		}
	}
}

func TestDefaultDispositions(t *testing.T) {
	if alone(t) {
		dispositions(t)
	}
}

// fault: 46
func TestDefaultDispositionsUnderTrap(t *testing.T) {
	if alone(t, "/bin/sh", "-c", `trap '' HUP INT QUIT USR1 USR2 PIPE ALRM TERM TSTP TTIN TTOU; exec "$@"`, "sh") {
		dispositions(t)
	}
}

func TestDefaultDispositionsUnderEnv(t *testing.T) {
	if alone(t, "env", "--ignore-signal", "--block-signal", "--") {
		dispositions(t)
	}
}

// fault: 46
func TestDefaultDispositionsWithBlockedSignals(t *testing.T) {
	if alone(t, "env", "--block-signal=USR1,TERM,INT,CHLD") {
		dispositions(t)
		// Signals that rpcd blocks reach the child.
		c := start(t, shell(t, nil, "kill -USR1 $$; exit 1"))
		if st := wait(t, c); st.Wait != uint32(unix.SIGUSR1) {
			t.Errorf("status %#x, want USR1's", st.Wait)
		}
		c.Reap()
	}
}

func TestUmaskAndDirectory(t *testing.T) {
	if !alone(t) {
		return
	}
	unix.Umask(0o027)
	dir := t.TempDir()
	for _, mask := range []int{0, 0o022, 0o077, 0o777} {
		s := shell(t, nil, "umask; pwd -P")
		s.Umask, s.Dir = mask, dirFD(t, dir)
		if got, want := output(t, s), fmt.Sprintf("%04o\n%s\n", mask, dir); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if now := unix.Umask(0o027); now != 0o027 {
		t.Errorf("our own umask is %03o now", now)
	}
	if wd, err := os.Readlink("/proc/self/cwd"); err != nil || wd == dir {
		t.Errorf("our directory is %q, %v: its volume couldn't be unmounted", wd, err)
	}
}

// A child has the descriptors of Files and no other: none that rpcd inherited or
// opened.
// fault: 70
func TestOnlyTheGivenDescriptors(t *testing.T) {
	if !alone(t) {
		return
	}
	if _, err := unix.FcntlInt(9, unix.F_GETFD, 0); err != nil {
		t.Fatalf("descriptor 9 wasn't inherited: %v", err)
	}
	list := `for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -e /proc/$$/fd/$n ] && echo $n; done; true`
	if got := strings.Fields(output(t, shell(t, nil, list))); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("the child has descriptors %v", got)
	}
	s := shell(t, nil, list)
	s.Files = append(s.Files, -1, s.Files[0], -1, -1, s.Files[0])
	if got := strings.Fields(output(t, s)); !slices.Equal(got, []string{"0", "1", "2", "4", "7"}) {
		t.Errorf("the child has descriptors %v, want 0 1 2 4 7", got)
	}
}

// The child's numbers may be in use at rpcd for other files.
func TestDescriptorsInAnyOrder(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	var files []int
	for i := range 6 {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, int(f.Fd()))
	}
	slices.Reverse(files)
	s := shell(t, nil, `for n in 0 1 2 3 4 5; do x=$(readlink /proc/$$/fd/$n); echo "$x" >&3; done`)
	s.Files = files
	c := start(t, s)
	if st := wait(t, c); st.Wait != 0 {
		t.Errorf("status %#x", st.Wait)
	}
	c.Reap()
	b, err := os.ReadFile(filepath.Join(dir, "2")) // files[3]
	want := ""
	for i := range 6 {
		want += filepath.Join(dir, fmt.Sprint(5-i)) + "\n"
	}
	if err != nil || string(b) != want {
		t.Errorf("%q, %v; want %q", b, err, want)
	}
	for _, fd := range files { // Start doesn't close them
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			t.Errorf("descriptor %d: %v", fd, err)
		}
	}
}

func TestOwnSessionAndGroup(t *testing.T) {
	if !alone(t) {
		return
	}
	c := start(t, shell(t, nil, "sleep 1000"))
	f := proc.Stat(c.pid)
	pid := fmt.Sprint(c.pid)
	if f[2] != pid || f[3] != pid {
		t.Errorf("child %s: group %s, session %s", pid, f[2], f[3])
	}
	c.Signal(unix.SIGKILL)
	wait(t, c)
	end(c, testkit.Limit)
}

func TestArgumentsAndEnvironment(t *testing.T) {
	if !alone(t) {
		return
	}
	s := shell(t, nil, `printf '[%s]' "$@"; env`, "", "a b", "\xff\n", "*")
	s.Env = []string{"ONLY=this"}
	got := output(t, s)
	if !strings.HasPrefix(got, "[][a b][\xff\n][*]") || !strings.Contains(got, "ONLY=this") || strings.Contains(got, helperVariable) {
		t.Errorf("%q", got)
	}
}

// fault: 52
func TestStartErrors(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fine := file("fine", "#!/bin/sh\n", 0o755)
	for what, c := range map[string]struct {
		path string
		arg  string
		want error
	}{
		"no file":                {filepath.Join(dir, "gone"), "", unix.ENOENT},
		"no interpreter":         {file("script", "#!/no/such/interpreter\n", 0o755), "", unix.ENOENT},
		"no run bit":             {file("plain", "#!/bin/sh\n", 0o644), "", unix.EACCES},
		"a directory":            {dir, "", unix.EACCES},
		"no format":              {file("garbage", "\x01\x02\x03garbage", 0o755), "", unix.ENOEXEC},
		"no line":                {file("lineless", "echo no interpreter\n", 0o755), "", unix.ENOEXEC},
		"an argument too long":   {fine, strings.Repeat("x", 131072), unix.E2BIG},
		"the longest argument":   {fine, strings.Repeat("x", 131071), nil},
		"an interpreter's limit": {file("loop", "#!"+filepath.Join(dir, "loop")+"\n", 0o755), "", unix.ELOOP},
	} {
		s := shell(t, nil, "")
		s.Path, s.Argv = c.path, []string{c.path, c.arg}
		child, err := Start(s)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if err == nil {
			wait(t, child)
			child.Reap()
		}
	}
	s := shell(t, nil, "")
	s.Dir = s.Files[0] // not a directory
	if _, err := Start(s); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a directory that is none: %v", err)
	}
	if left := ownChildren(t); len(left) != 0 {
		t.Errorf("children are left: %v", left)
	}
}

// After 200 children, and as many failed starts, no descriptor is left open.
func TestNothingLeaks(t *testing.T) {
	if !alone(t) {
		return
	}
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s := shell(t, nil, "exit 3")
	bad := s
	bad.Path = "/no/such/file"
	run := func(n int) {
		for range n {
			c := start(t, s)
			if st := wait(t, c); st.Wait != 0x300 {
				t.Errorf("%#x", st.Wait)
			}
			end(c, testkit.Limit)
			if _, err := Start(bad); err == nil {
				t.Error("a file that isn't there was started")
			}
		}
	}
	run(5)
	before := count()
	run(200)
	// The reaper has one open for a moment after each death.
	testkit.Eventually(t, fmt.Sprintf("no more descriptors than the %d before", before), func() bool { return count() <= before })
}
