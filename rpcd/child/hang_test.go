package child

import (
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/child/starter"
)

// leased makes a program whose execve(2) waits until the lease is given back
// (fcntl(2), F_SETLEASE; 45 s at most), as on a file system that doesn't answer.
func leased(t *testing.T) (path string, giveBack func()) {
	t.Helper()
	path = t.TempDir() + "/program"
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 5\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		testkit.Lack(t, "this file system has no leases: %v", err)
	}
	return path, func() { _, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK) }
}

// stuckOf is how many starts of a caller count as hanging.
func stuckOf(caller uint32) int {
	lanes.mu.Lock()
	defer lanes.mu.Unlock()
	return lanes.stuck[caller]
}

// Starts that hang hold up nobody else, count against their caller, and go on where
// the file system answers at last.
// fault: 100
// fault: 135
func TestStartsThatHang(t *testing.T) {
	if !alone(t) {
		return
	}
	path, giveBack := leased(t)
	hung := shell(t, nil, "")
	hung.Path, hung.Caller = path, 7
	statuses := make(chan uint32)
	for range maxStuckOfOne {
		go func() {
			c, err := Start(hung)
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			st, _ := c.Wait()
			end(c, 0)
			statuses <- st.Wait
		}()
	}
	for stuckOf(7) < maxStuckOfOne {
		testkit.Within(t, "another's call", func() {
			c := start(t, shell(t, nil, "exit 4"))
			if st := wait(t, c); st.Wait != 0x400 {
				t.Errorf("another's status is %#x", st.Wait)
			}
			end(c, 0)
		})
	}
	var busy *BusyError
	if _, err := Start(hung); !errors.As(err, &busy) || busy.Starts != maxStuckOfOne {
		t.Errorf("one more: %v", err)
	}
	giveBack()
	for range maxStuckOfOne {
		if st := <-statuses; st != 0x500 {
			t.Errorf("status %#x", st)
		}
	}
	testkit.Eventually(t, "none counts any more", func() bool { return stuckOf(7) == 0 })
}

// The process of a start that nobody waits for is killed and reaped.
func TestCanceledStart(t *testing.T) {
	if !alone(t) {
		return
	}
	path, _ := leased(t)
	s := shell(t, nil, "")
	cancel := make(chan struct{})
	s.Path, s.Cancel = path, cancel
	time.AfterFunc(50*time.Millisecond, func() { close(cancel) })
	testkit.Within(t, "the canceled start", func() {
		if _, err := Start(s); !errors.Is(err, ErrCanceled) {
			t.Errorf("%v, want ErrCanceled", err)
		}
	})
	testkit.Eventually(t, "the process is reaped", func() bool { return len(ownChildren(t)) == 0 })
	c := start(t, shell(t, nil, "exit 4"))
	wait(t, c)
	end(c, 0)
}

// A program that has begun isn't said not to have, whenever the caller leaves.
func TestCanceledAsItBegins(t *testing.T) {
	if !alone(t) {
		return
	}
	for range 300 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cancel := make(chan struct{})
		go func() {
			_, _ = r.Read(make([]byte, 1))
			close(cancel)
		}()
		s := shell(t, w, "echo; exec sleep 1000")
		s.Cancel = cancel
		c, err := Start(s)
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		c.Signal(unix.SIGKILL)
		wait(t, c)
		end(c, testkit.Limit)
		<-cancel
		r.Close()
	}
}

// Where there are no lanes, starts happen one after the other.
func TestStartWithoutLanes(t *testing.T) {
	if !alone(t) {
		return
	}
	lanes.unsupported.Store(true)
	dir := t.TempDir()
	s := shell(t, nil, "umask; pwd -P")
	s.Umask, s.Dir = 0o77, dirFD(t, dir)
	if got := output(t, s); got != "0077\n"+dir+"\n" {
		t.Errorf("%q", got)
	}
}

// Descriptors that don't want to be closed are, and nobody waits for that: not who
// discards them, and none of the starts meanwhile.
// fault: 130
func TestDiscard(t *testing.T) {
	if !alone(t) {
		return
	}
	var fds []int
	var files []string // what each descriptor leads to: another may get its number
	for range 20 {
		fd := testkit.Sticky(t)
		fds, files = append(fds, fd), append(files, leadsTo(fd))
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	end, err := unix.Dup(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	var waits []<-chan struct{}
	for i := range fds {
		waits = append(waits, Discard(uint32(i%3), fds[i:i+1]))
	}
	testkit.Within(t, "the pipe's close", func() {
		<-Discard(1, []int{end})
		var b [1]byte
		if n, _ := r.Read(b[:]); n != 0 {
			t.Error("the pipe is open")
		}
	})
	for _, done := range waits {
		testkit.Within(t, "the close of a sticky descriptor", func() { <-done })
	}
	for owner := range uint32(3) {
		testkit.Eventually(t, "nothing goes on", func() bool { return discards.of(owner) == 0 })
	}
	for i, fd := range fds {
		if file := leadsTo(fd); file == files[i] {
			t.Errorf("descriptor %d is open: %s", fd, file)
		}
	}
	testkit.Eventually(t, "no helper is left", func() bool { return len(ownChildren(t)) == 0 })
}

// leadsTo names the file of a descriptor, with its inode; empty: it is closed.
func leadsTo(fd int) string {
	file, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	return file
}

// A parent that waits for the end of this process finds no helper of it after Leave.
// fault: 165
func TestLeaveLeavesNoHelper(t *testing.T) {
	if !alone(t) {
		return
	}
	if err := helpers.do([]starter.Call{{Number: unix.SYS_GETPID}}); err != nil {
		testkit.Lack(t, "there are no helpers: %v", err)
	}
	if n := len(ownChildren(t)); n != 1 {
		t.Fatalf("%d helpers have a process", n)
	}
	Leave()
	if left := ownChildren(t); len(left) != 0 {
		t.Errorf("left: %d", left)
	}
}

// A helper that somebody has stopped goes on when there is a job for it.
// fault: 142
func TestStoppedHelper(t *testing.T) {
	if !alone(t) {
		return
	}
	job := func() error { return helpers.do([]starter.Call{{Number: unix.SYS_GETPID}}) }
	if err := job(); err != nil {
		testkit.Lack(t, "there are no helpers: %v", err)
	}
	helpers.timer.Stop() // its process stays
	stopped := ownChildren(t)
	if len(stopped) != 1 {
		t.Fatalf("%d helpers have a process", len(stopped))
	}
	if err := unix.Kill(stopped[0], unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "a job for a stopped helper", func() {
		if err := job(); err != nil {
			t.Error(err)
		}
	})
}

// However many helpers jobs have made while others went to rest, few stay.
func TestFewHelpersStay(t *testing.T) {
	if !alone(t) {
		return
	}
	for range 2 * readyHelpers {
		h, err := helpers.make()
		if err != nil {
			testkit.Lack(t, "there are no helpers: %v", err)
		}
		helpers.mu.Lock()
		helpers.idle = append(helpers.idle, h)
		helpers.mu.Unlock()
	}
	helpers.rest()
	helpers.mu.Lock()
	defer helpers.mu.Unlock()
	if n := len(helpers.idle); n > readyHelpers {
		t.Errorf("%d helpers wait for jobs, %d are enough", n, readyHelpers)
	}
}

// A directory that the kernel knows by heart needs no helper.
func TestCachedDirectory(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	fd, err := OpenDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if n := len(ownChildren(t)); n != 0 {
		t.Errorf("%d processes have opened it", n)
	}
	if _, err := OpenDir(dir+"/none", nil); !errors.Is(err, unix.ENOENT) {
		t.Errorf("one that isn't there: %v", err)
	}
}

// What helpers give back isn't among the numbers that each new process has a copy of:
// a stranger's descriptor would come there.
// fault: 164
func TestHelpersLieBeyondLanes(t *testing.T) {
	if !alone(t) {
		return
	}
	if lanes.free == nil {
		testkit.Lack(t, "there are no lanes")
	}
	for range readyHelpers {
		h, err := helpers.take()
		if err != nil {
			t.Fatal(err)
		}
		h.Close()
	}
	const kernelBlock = 64
	if fd := open(t); fd < kernelBlock {
		t.Errorf("descriptor %d is the lowest that is free", fd)
	}
}

// open opens a descriptor until the test's end.
func open(t *testing.T) int {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// What can't hang is closed without a helper: a kept connection passes memory with
// each call.
func TestClosingOf(t *testing.T) {
	memfd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(memfd)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	if got := closingOf(memfd); got != closesAtOnce {
		t.Errorf("memory: %v", got)
	}
	if got := closingOf(pipe[1]); got != mayLinger {
		t.Errorf("a pipe: %v", got)
	}
	for path, want := range map[string]closing{"/dev/null": closesAtOnce, "/proc/self/status": isFile, "/": isFile} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := closingOf(int(f.Fd())); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
		f.Close()
	}
}
