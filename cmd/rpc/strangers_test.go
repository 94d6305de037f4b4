package main_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/stubborn"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// startPublicWorld starts a daemon to which everybody can connect, and that only
// root, or who runs the tests, may call.
func startPublicWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	return startWorld(t, "passed", append([]string{"--mode", "0666", "--allow", "uid " + strconv.Itoa(os.Getuid()), "--max-calls", "4"}, flags...)...)
}

// dialStranger connects as a user whom --allow doesn't admit, where the test may.
func dialStranger(t testing.TB, w *world) *raw {
	t.Helper()
	if os.Getuid() != 0 {
		return dialRaw(t, w)
	}
	connected := make(chan *raw)
	go func() {
		defer close(connected)
		runtime.LockOSThread() // for good: the thread ends with its user
		if _, _, err := unix.RawSyscall(unix.SYS_SETRESUID, otherUser, otherUser, 0); err != 0 {
			t.Errorf("become a stranger: %v", err)
			return
		}
		connected <- dialRaw(t, w)
	}()
	return <-connected
}

// with sends bytes, and descriptors with the first of them.
func (r *raw) with(b []byte, fds ...int) {
	r.t.Helper()
	if _, _, err := r.WriteMsgUnix(b, unix.UnixRights(fds...), nil); err != nil {
		r.t.Errorf("send descriptors: %v", err)
	}
}

// late sends a message in two halves. Descriptors ride on the first, and are closed
// here before the second: nobody but the worker holds them then.
func (r *raw) late(message []byte, fds ...int) {
	r.t.Helper()
	r.with(message[:9], fds...)
	drop(r.t, fds...)
	r.write(message[9:])
}

// drop closes descriptors, which may take as long as the test where the worker was
// quicker. It returns when their numbers are free: a process that is forked later
// doesn't get them, and so doesn't hang in its execve(2) as the last to close them.
func drop(t testing.TB, fds ...int) {
	t.Helper()
	for _, fd := range fds {
		var before, now unix.Stat_t
		if err := unix.Fstat(fd, &before); err != nil {
			t.Fatal(err)
		}
		go unix.Close(fd)
		testkit.Eventually(t, "the descriptor's number is free", func() bool {
			return unix.Fstat(fd, &now) != nil || now.Ino != before.Ino
		})
	}
}

// stickyWays are the ways by which somebody hands rpcd descriptors that don't want to
// be closed: each sends some, and gives the connections that stay open.
var stickyWays = []struct {
	what string
	send func(t *testing.T, w *world) []*raw
}{
	{"a question's descriptor", func(t *testing.T, w *world) []*raw {
		c := dialStranger(t, w)
		c.late(wire.Question(wire.TypePing), testkit.Sticky(t))
		return []*raw{c}
	}},
	{"several with a question", func(t *testing.T, w *world) []*raw {
		c := dialStranger(t, w)
		c.late(wire.Question(wire.TypeList), testkit.Sticky(t), testkit.Sticky(t), testkit.Sticky(t))
		return []*raw{c}
	}},
	{"half a frame", func(t *testing.T, w *world) []*raw {
		c := dialStranger(t, w)
		fds := []int{testkit.Sticky(t), testkit.Sticky(t)}
		c.with([]byte{byte(wire.TypePing)}, fds...)
		drop(t, fds...)
		return []*raw{c}
	}},
	{"half a frame of who leaves", func(t *testing.T, w *world) []*raw {
		c := dialStranger(t, w)
		fd := testkit.Sticky(t)
		c.with([]byte{byte(wire.TypeCall)}, fd)
		drop(t, fd)
		c.Close()
		return nil
	}},
	{"nonsense", func(t *testing.T, w *world) []*raw {
		c := dialStranger(t, w)
		fd := testkit.Sticky(t)
		c.with([]byte("GET / HTTP/1.1\r\n\r\n"), fd)
		drop(t, fd)
		return []*raw{c}
	}},
	{"a call that may not be", func(t *testing.T, w *world) []*raw {
		c := dialStranger(t, w)
		c.late(w.frameOf("exit 3", wire.Stream{Mode: wire.Passed}), testkit.Sticky(t))
		return []*raw{c}
	}},
	{"one descriptor of two", func(t *testing.T, w *world) []*raw {
		c := dialRaw(t, w)
		c.late(w.frameOf("exit 3", wire.Stream{Mode: wire.Passed}, wire.Stream{Number: 1, Mode: wire.Passed, Index: 1, Flags: wire.StreamOutput}), testkit.Sticky(t))
		return []*raw{c}
	}},
	{"a probe of who leaves", func(t *testing.T, w *world) []*raw {
		c := dialRaw(t, w)
		c.late(w.frameOf("exec sleep 1000", wire.Stream{Mode: wire.Probe}), testkit.Sticky(t))
		if _, err := c.frames(wire.TypeStarted); err != nil {
			t.Errorf("STARTED never came: %v", err)
		}
		c.Close()
		return nil
	}},
	{"a stdin", func(t *testing.T, w *world) []*raw {
		c := dialRaw(t, w)
		c.late(w.frameOf("exit 3", wire.Stream{Mode: wire.Passed}), testkit.Sticky(t))
		if _, err := c.frames(wire.TypeExit); err != nil {
			t.Errorf("EXIT never came: %v", err)
		}
		return []*raw{c}
	}},
	{"descriptors in a call", func(t *testing.T, w *world) []*raw {
		c := dialRaw(t, w)
		c.write(w.frameOf("exec sleep 1000"))
		if _, err := c.frames(wire.TypeStarted); err != nil {
			t.Errorf("STARTED never came: %v", err)
		}
		fd := testkit.Sticky(t)
		c.with([]byte{0}, fd)
		drop(t, fd)
		return []*raw{c}
	}},
	{"descriptors behind the end", func(t *testing.T, w *world) []*raw {
		c := dialRaw(t, w)
		c.write(w.frameOf("exit 3"))
		if _, err := c.frames(wire.TypeExit); err != nil {
			t.Errorf("EXIT never came: %v", err)
		}
		fd := testkit.Sticky(t)
		c.with([]byte{0}, fd)
		drop(t, fd)
		c.Close()
		return nil
	}},
}

// Whoever may connect can't make rpcd wait for the close of a descriptor: others are
// served, and nothing of it is left.
// fault: 130
func TestStickyDescriptors(t *testing.T) {
	w := startPublicWorld(t)
	w.served(t)
	before := w.idle(t)
	threads := w.threads(t)
	for _, way := range stickyWays {
		var open []*raw
		for range 12 {
			open = append(open, way.send(t, w)...)
		}
		for range 6 {
			w.served(t)
		}
		for _, c := range open {
			c.Close()
		}
		w.restored(t, before)
		if t.Failed() {
			t.Fatalf("after %s", way.what)
		}
	}
	if now := w.threads(t); now > threads+20 {
		t.Errorf("%d threads, %d before", now, threads)
	}
}

// threads is how many the daemon has.
func (w *world) threads(t *testing.T) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(w.daemon.PID()) + "/task/*")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	return len(tasks)
}

// A drain ends, and a second TERM does, whatever strangers hold.
// fault: 131
func TestDrainAgainstStickyDescriptors(t *testing.T) {
	for _, terms := range []int{1, 2} {
		w := startPublicWorld(t, "--drain", "2s")
		for _, way := range stickyWays {
			way.send(t, w)
		}
		w.ends(t, terms)
	}
}

// ends has the daemon end by so many TERM, and waits until no process of it is left.
func (w *world) ends(t *testing.T, terms int) {
	t.Helper()
	for range terms {
		w.daemon.Signal(syscall.SIGTERM)
		testkit.Eventually(t, "the drain begins", func() bool { return strings.Contains(w.log(), "draining") })
	}
	testkit.Within(t, "the daemon's end", func() { <-w.daemon.Done() })
}

// gone waits until no process is left that was rpcd.
func (w *world) gone(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "nothing of rpcd is left", func() bool {
		names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range names {
			if b, _ := os.ReadFile(name); strings.Contains(string(b), "--listen\x00"+w.socket) {
				return false
			}
		}
		return true
	})
}

// withHungFile sends a part of a message, and with it a file whose closes hang from
// now on. This process has none of it then, or its own children couldn't start.
func (r *raw) withHungFile(fs *testkit.FileSystem, part []byte) {
	r.t.Helper()
	fd, err := unix.Open(fs.Dir+"/file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	r.with(part, fd)
	unix.Close(fd)
	fs.Hang(stubborn.RequestFlush)
}

// hungWays are the ways by which a file system that doesn't answer comes to rpcd. Each
// gives how many requests hang then.
var hungWays = []struct {
	what string
	send func(t *testing.T, w *world, fs *testkit.FileSystem) (requests int)
}{
	{"a stranger's question", func(t *testing.T, w *world, fs *testkit.FileSystem) int {
		c, ping := dialStranger(t, w), wire.Question(wire.TypePing)
		c.withHungFile(fs, ping[:9])
		c.write(ping[9:])
		return 1
	}},
	{"half a frame of who leaves", func(t *testing.T, w *world, fs *testkit.FileSystem) int {
		c := dialStranger(t, w)
		c.withHungFile(fs, []byte{byte(wire.TypePing)})
		c.Close()
		return 1
	}},
	{"a stdin", func(t *testing.T, w *world, fs *testkit.FileSystem) int {
		c, call := dialRaw(t, w), w.frameOf("exit 3", wire.Stream{Mode: wire.Passed})
		c.withHungFile(fs, call[:9])
		c.write(call[9:])
		return 1
	}},
	{"a directory that can't be entered", func(t *testing.T, w *world, fs *testkit.FileSystem) int {
		fs.Hang(stubborn.RequestAccess)
		dialRaw(t, w).write((&wire.Call{Procedure: "true", Dir: wire.Dir{Name: fs.Dir + "/dir"}}).Append())
		return 1
	}},
	{"a directory that can't be opened", func(t *testing.T, w *world, fs *testkit.FileSystem) int {
		fs.Hang(stubborn.RequestLookup)
		dialRaw(t, w).write((&wire.Call{Procedure: "true", Dir: wire.Dir{Name: fs.Dir + "/dir2"}}).Append())
		return 1
	}},
	{"a directory of who leaves", func(t *testing.T, w *world, fs *testkit.FileSystem) int {
		fs.Hang(stubborn.RequestAccess)
		c := dialRaw(t, w)
		c.write((&wire.Call{Procedure: "true", Dir: wire.Dir{Name: fs.Dir + "/dir"}}).Append())
		fs.Hung(t, 1)
		c.Close()
		return 1
	}},
}

// A file system that doesn't answer holds up who brought it, and nobody else.
// fault: 132
func TestHungFileSystems(t *testing.T) {
	w := startPublicWorld(t)
	w.served(t)
	before := w.idle(t)
	for _, way := range hungWays {
		fs := testkit.NewFileSystem(t)
		fs.Hung(t, way.send(t, w, fs))
		for range 6 {
			w.served(t)
		}
		testkit.Within(t, "ps(1)", func() { _, _ = proc.Look(w.daemon.PID()) })
		fs.Answer()
		w.restored(t, proc.Usage{Descriptors: before.Descriptors + 2}) // its connection, if it's open
		if t.Failed() {
			t.Fatalf("after %s", way.what)
		}
	}
}

// A call leaves a process that hangs in its execve(2), which closes a file whose file
// system doesn't answer. Whoever reads its /proc/PID/stat waits as long: rpcd doesn't.
// fault: 163
func TestHungExecve(t *testing.T) {
	fs := testkit.NewFileSystem(t)
	w := startPublicWorld(t, "--grace", "100ms")
	w.served(t)
	before := w.idle(t)
	const script = `mkfifo go end
perl -e '$SIG{TERM} = $SIG{HUP} = "IGNORE"; open F, "<", shift; open G, "<", "go"; <G>; exec "true"' "$1" >/dev/null 2>&1 &
echo >go; echo 1 >ready; read x <end`
	call := w.rpc(w.socket, "sh", "-c", script, "sh", fs.Dir+"/file")
	fs.Hang(stubborn.RequestFlush)
	w.begin(t, call)
	w.file(t, "ready")
	fs.Hung(t, 1)
	if err := os.WriteFile(filepath.Join(w.dir, "cwd", "end"), []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "the call", func() { _ = call.Wait() })
	testkit.Eventually(t, "rpcd says what the call has left", func() bool { return strings.Contains(w.log(), "perl") })
	for range 6 {
		w.served(t)
	}
	fs.Answer()
	w.restored(t, before)
}

// A drain ends, and a second TERM does, whatever file systems do, and nothing is left
// once they answer.
// fault: 133
func TestDrainAgainstHungFileSystems(t *testing.T) {
	for _, c := range []struct {
		drain string
		terms int
	}{{"1s", 1}, {"1h", 2}} {
		w := startPublicWorld(t, "--drain", c.drain, "--grace", "100ms", "--max-calls", "100")
		var systems []*testkit.FileSystem
		for _, way := range hungWays {
			fs := testkit.NewFileSystem(t)
			fs.Hung(t, way.send(t, w, fs))
			systems = append(systems, fs)
		}
		w.ends(t, c.terms)

		for _, fs := range systems {
			fs.Answer()
		}
		w.gone(t)
	}
}

// A helping process that hangs in a close can't be killed, and has the descriptors of a
// rpcd that was. Callers see the end all the same, and the next rpcd serves at once.
// fault: 161
func TestKillBesideHungFileSystems(t *testing.T) {
	for _, way := range hungWays {
		w := startPublicWorld(t)
		w.served(t)
		w.idle(t)
		call := w.rpc(w.socket, "sh", "-c", "echo 1 >runs; exec sleep 1000")
		w.begin(t, call)
		w.file(t, "runs")
		fs := testkit.NewFileSystem(t)
		fs.Hung(t, way.send(t, w, fs))
		pid := w.daemon.PID()
		testkit.Eventually(t, way.what+": there is a guardian", func() bool {
			return slices.ContainsFunc(proc.Children(pid), func(child int) bool {
				name, _ := os.ReadFile("/proc/" + strconv.Itoa(child) + "/comm")
				return string(name) == "rpcd guardian\n"
			})
		})
		w.daemon.Signal(syscall.SIGKILL)
		testkit.Within(t, "the daemon's end", func() { <-w.daemon.Done() })
		testkit.Within(t, "the caller's end", func() { _ = call.Wait() })
		if status := call.ProcessState.ExitCode(); status != 125 {
			t.Errorf("%s: the call's status is %d", way.what, status)
		}
		next := testbin.Serve(t, rig.Starter{Folder: w.dir}, w.socket, "--exports", w.dir+"/ex")
		w.served(t)
		next.Stop()
		fs.Answer()
		w.gone(t)
		if t.Failed() {
			t.Fatalf("after %s", way.what)
		}
	}
}

// A start that hangs and whose caller has left holds up no drain, however long that
// may be.
// fault: 133
func TestDrainWithoutCallers(t *testing.T) {
	fs := testkit.NewFileSystem(t)
	w := startPublicWorld(t, "--drain", "1h")
	for _, kind := range []stubborn.Request{stubborn.RequestAccess, stubborn.RequestLookup} {
		fs.Hang(kind)
		c := dialRaw(t, w)
		c.write((&wire.Call{Procedure: "true", Dir: wire.Dir{Name: fs.Dir + "/dir" + strconv.Itoa(int(kind))}}).Append())
		fs.Hung(t, 1)
		c.Close()
	}
	w.ends(t, 1)
	fs.Answer()
	w.gone(t)
}

// Who has sent more than rpcd can close is refused in words, all strangers together,
// and nobody else.
// fault: 136
func TestTooManyDiscards(t *testing.T) {
	const most = 512 // child.MaxDiscards
	roomFor(t, 4*most)
	fs := testkit.NewFileSystem(t)
	w := startPublicWorld(t)
	before := w.idle(t)
	fd, err := unix.Open(fs.Dir+"/file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ping := wire.Question(wire.TypePing)
	var all []*raw
	for range most + 20 {
		c := dialStranger(t, w)
		c.with(ping[:9], fd)
		all = append(all, c)
	}
	unix.Close(fd)
	fs.Hang(stubborn.RequestFlush)
	for _, c := range all {
		c.write(ping[9:])
		if _, err := c.frames(wire.TypePong); err != nil {
			t.Errorf("no PONG: %v", err)
		}
	}
	if types, err := dialStranger(t, w).frames(wire.TypeRefused); err != nil {
		t.Errorf("one more got %v, %v", types, err)
	}
	w.served(t)
	fs.Answer()
	for _, c := range all {
		c.Close()
	}
	w.restored(t, before)
	c := dialStranger(t, w)
	c.write(ping)
	if _, err := c.frames(wire.TypePong); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
