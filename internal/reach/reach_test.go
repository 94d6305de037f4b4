package reach

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// connect gives the error of connect(2) on path.
func connect(t *testing.T, path string) error {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	return unix.Connect(fd, &unix.SockaddrUnix{Name: path})
}

// bind makes a socket that nobody listens on, unless it is said to.
func bind(t *testing.T, path string, kind int, listen bool) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil && listen {
		err = unix.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
}

func TestExplain(t *testing.T) {
	dir, err := os.MkdirTemp("", "reach") // a short name: sockets lie in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Mkdir(at("empty"), 0o755), os.WriteFile(at("file"), nil, 0o644), syscall.Mkfifo(at("fifo"), 0o644), os.Symlink("gone", at("dangling")), os.Symlink("dead", at("link")), os.Symlink("circle", at("circle")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	bind(t, at("dead"), unix.SOCK_STREAM, false)
	bind(t, at("datagrams"), unix.SOCK_DGRAM, false)
	bind(t, at("full"), unix.SOCK_STREAM, true)
	c, err := net.Dial("unix", at("full"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	for _, r := range []struct {
		worker, path string
		err          error // nil: that of connect(2)
		want         Reason
		text         string // $D is the folder
	}{
		{"w", at("none/w.sock"), nil, NoRoot, `"$D/none" does not exist (mount the worker's volume there, or set RPC_DIR)`},
		{"./none/w", at("none/w.sock"), nil, NoFolder, `"$D/none" does not exist`},
		{"w", at("w.sock"), nil, NoSocket, `"$D/w.sock" does not exist (is the worker up?)`},
		{"./w", at("dangling"), nil, NoSocket, `"$D/dangling" does not exist (is the worker up?)`},
		{"./dead", at("dead"), os.ErrNotExist, NoSocket, `"$D/dead" does not exist (is the worker up?)`}, // it was replaced meanwhile
		{"empty", at("empty"), ErrEmpty, EmptyFolder, `no socket in "$D/empty" (is the worker up?)`},
		{"./file", at("file"), nil, NotSocket, `"$D/file" is a file, no socket`},
		{"./fifo", at("fifo"), nil, NotSocket, `"$D/fifo" is a FIFO, no socket`},
		{"./empty", at("empty"), nil, NotSocket, `"$D/empty" is a folder, no socket`},
		{"./null", "/dev/null", nil, NotSocket, `"/dev/null" is a device, no socket`},
		{"w", at("dead"), nil, NotServed, `nobody serves "$D/dead" (is the worker up?)`},
		{"w", at("full"), nil, QueueFull, `its queue of connections is full (is it frozen?)`},
		{"w", at("datagrams"), nil, Datagrams, `"$D/datagrams" is a socket of another kind (datagrams)`},
		{"./empty", at("empty"), unix.EMFILE, Other, `too many open files`},
		{"./file", at("file"), unix.ENOTSOCK, NotSocket, `"$D/file" is a file, no socket`},
		{"./pool", at("link"), unix.ELOOP, Symlink, `"$D/link" is a symlink (in a folder of sockets none is followed: name its target)`},
		{"./circle", at("circle"), nil, Other, `too many levels of symbolic links`},
		{"w", at("dead"), unix.ENOMEM, Other, `cannot allocate memory`},
	} {
		err := r.err
		if err == nil {
			err = connect(t, r.path)
		}
		got := Explain(r.worker, r.path, err)
		if text := strings.ReplaceAll(got.Error(), dir, "$D"); got.Reason != r.want || text != r.text {
			t.Errorf("%s %s, %v: reason %d, %s", r.worker, r.path, err, got.Reason, text)
		}
	}
}

// TestDenied: the line names the socket, or the folder on the way that refuses.
func TestDenied(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/sock", 0o755); err != nil {
		t.Fatal(err)
	}
	bind(t, dir+"/sock/w", unix.SOCK_STREAM, false)
	if err := os.Chmod(dir+"/sock/w", 0o640); err != nil {
		t.Fatal(err)
	}
	us := fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid())
	for path, want := range map[string]string{
		dir + "/sock/w": "permission denied: the socket is " + us + " 0640, you are " + us,
		dir + "/sock/":  fmt.Sprintf("permission denied: the folder %q is %s 0755, you are %s", dir+"/sock", us, us),
		dir + "/sock/x": fmt.Sprintf("permission denied: the folder %q is %s 0755, you are %s", dir+"/sock", us, us),
	} {
		c := &Cause{Reason: Denied, Path: path, Place: Nearest(path), Err: unix.EACCES}
		if got := c.Error(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if c := Explain("w", dir+"/sock/w", unix.EACCES); c.Reason != Denied {
		t.Errorf("reason %d", c.Reason)
	}
}

func TestReasonsAreWhole(t *testing.T) {
	if len(Reasons) != len(texts) {
		t.Fatalf("%d reasons, %d texts", len(Reasons), len(texts))
	}
	for _, r := range Reasons {
		c := &Cause{Reason: r, Path: "/run/rpc/w.sock", Err: unix.EIO}
		if c.Error() == "" || c.NotUp() && !c.MayPass() {
			t.Errorf("reason %d: %q", r, c.Error())
		}
	}
}
