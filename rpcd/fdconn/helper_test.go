package fdconn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// helperVariable makes the test binary a helper process. Its value is the name
// of the function in helpers that then runs instead of the tests.
const helperVariable = "FDCONN_TEST_HELPER"

var helpers = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVariable); name != "" {
		if err := helpers[name](os.Args[1:]); err != nil {
			fmt.Println("helper:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// helper prepares a run of this test binary as the helper called name.
func helper(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if helpers[name] == nil {
		t.Fatalf("no helper %q", name)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	return cmd
}

// runHelper runs a helper. If the helper fails, so does the test, which then
// shows the helper's output.
func runHelper(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// openFDs lists the descriptors of this process and what each of them is open
// on. The descriptor of the listing itself is left out.
func openFDs(t *testing.T) map[string]string {
	t.Helper()
	fds := map[string]string{}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			fds[e.Name()] = to
		}
	}
	return fds
}

// noLeak fails the test if it leaves more descriptors open than it began with.
// Go's runtime opens epoll and an eventfd once; noLeak makes it do so first.
func noLeak(t *testing.T) {
	t.Helper()
	a, b := pair(t)
	a.Close()
	b.Close()
	before := openFDs(t)
	t.Cleanup(func() {
		after := openFDs(t)
		for fd, to := range after {
			if before[fd] != to && !strings.HasPrefix(to, "anon_inode:[event") {
				t.Errorf("descriptor %s (%s) is left open", fd, to)
			}
		}
	})
}

func pair(t *testing.T) (*Conn, *Conn) {
	t.Helper()
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	bound := time.Now().Add(testkit.Limit)
	if err := errors.Join(a.SetDeadline(bound), b.SetDeadline(bound)); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// open gives n descriptors of /dev/null, closed at the test's end.
func open(t *testing.T, n int) []int {
	t.Helper()
	fds := make([]int, n)
	for i := range fds {
		fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds[i] = fd
	}
	t.Cleanup(func() { closeFDs(fds) })
	return fds
}

func closeFDs(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// readByte reads one byte, and the descriptors that come with it.
func readByte(t *testing.T, c *Conn) {
	t.Helper()
	var b [1]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		t.Fatalf("read: %v", err)
	}
}

// listenAt listens with mode 0660, and closes at the test's end.
func listenAt(t *testing.T, path string) *Listener {
	t.Helper()
	l, err := Listen(path, 0o660, -1)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// staleSocket makes a socket file on which no process listens.
func staleSocket(t *testing.T, path string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
}

// longFolder makes a folder whose path is longer than a socket address.
func longFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("f", 100), strings.Repeat("g", 100))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}
