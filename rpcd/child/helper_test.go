package child

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

// helperVariable marks a test binary that a test has started again as a
// supervisor, since Setup changes the whole process.
const helperVariable = "CHILD_TEST_HELPER"

// mainThread takes functions that a helper runs on its main thread. The kernel
// lists orphans with that thread's children, so a test starts some children there.
var mainThread = make(chan func())

func init() {
	if os.Getenv(helperVariable) != "" {
		runtime.LockOSThread() // keeps main's goroutine on the main thread
	}
}

func TestMain(m *testing.M) {
	code := make(chan int)
	go func() { code <- m.Run() }()
	for {
		select {
		case f := <-mainThread:
			f()
		case c := <-code:
			// A helper keeps the goroutine that Setup started.
			if err := goleak.Find(); c == 0 && os.Getenv(helperVariable) == "" && err != nil {
				fmt.Println("goroutines are left:", err)
				c = 1
			}
			os.Exit(c)
		}
	}
}

// onMainThread starts a child on the main thread.
func onMainThread(s Spec) (c *Child, err error) {
	done := make(chan struct{})
	mainThread <- func() { defer close(done); c, err = Start(s) }
	<-done
	return c, err
}

// alone runs the calling test in a process of its own, after Setup. It says whether
// this is that process: where it isn't, the test returns. wrapper is a command that
// the process is started by.
func alone(t *testing.T, wrapper ...string) bool {
	t.Helper()
	if os.Getenv(helperVariable) != "" {
		if err := Setup(); err != nil {
			t.Fatal(err)
		}
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(wrapper, self, "-test.run=^"+t.Name()+"$", "-test.timeout=120s", "-test.v")
	if testing.Short() {
		argv = append(argv, "-test.short")
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), helperVariable+"=1")
	inherited, err := os.Open(os.DevNull) // descriptors 3 to 9, which no child may have
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	for range 7 {
		cmd.ExtraFiles = append(cmd.ExtraFiles, inherited)
	}
	cmd.WaitDelay = time.Second // a failed test may leave a process that holds its stderr
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("in a process of its own: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("in a process of its own:\n%s", out)
	case !bytes.Contains(out, []byte("--- PASS")):
		t.Errorf("nothing was run: %s", out)
	}
	return false
}

// dirFD opens a directory until the test's end.
func dirFD(t *testing.T, name string) int {
	t.Helper()
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// shell is a Spec for sh -c. Its stdout is out, or /dev/null for nil.
func shell(t *testing.T, out *os.File, script string, args ...string) Spec {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	fd := int(null.Fd())
	to := fd
	if out != nil {
		to = int(out.Fd())
	}
	return Spec{
		Path:  "/bin/sh",
		Argv:  append([]string{"sh", "-c", script, "sh"}, args...),
		Env:   []string{"PATH=/usr/bin:/bin"},
		Dir:   dirFD(t, "/"),
		Umask: 0o022,
		Files: []int{fd, to, int(os.Stderr.Fd())},
	}
}

func start(t *testing.T, s Spec) *Child {
	t.Helper()
	c, err := Start(s)
	if err != nil {
		t.Fatalf("start %q: %v", s.Path, err)
	}
	t.Cleanup(func() { c.Signal(unix.SIGKILL) }) // for a test that fails before End
	return c
}

// wait waits for the leader.
func wait(t *testing.T, c *Child) Status {
	t.Helper()
	var status Status
	testkit.Within(t, "wait", func() {
		var err error
		if status, err = c.Wait(); err != nil {
			t.Errorf("wait: %v", err)
		}
	})
	return status
}

// output runs a Spec and gives what it writes to stdout.
func output(t *testing.T, s Spec) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.Files[1] = int(w.Fd())
	c := start(t, s)
	w.Close()
	var b []byte
	testkit.Within(t, "the output", func() { b, err = io.ReadAll(r) })
	if err != nil {
		t.Fatal(err)
	}
	if st := wait(t, c); st.Wait != 0 {
		t.Errorf("status %#x", st.Wait)
	}
	end(c, testkit.Limit)
	return string(b)
}

// end ends what is left of a child with this grace.
func end(c *Child, grace time.Duration) { c.End(time.Now().Add(grace), nil) }

// ownChildren lists the children of all threads of this process.
func ownChildren(t *testing.T) []int {
	t.Helper()
	if _, err := os.Stat("/proc/thread-self/children"); err != nil {
		testkit.Lack(t, "the kernel tells no children (CONFIG_PROC_CHILDREN)")
	}
	return proc.Children(os.Getpid())
}
