package fdconn

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// Listen and Dial take paths that are longer than a socket address, up to the
// kernel's own limit for paths.
// fault: 12
func TestLongPaths(t *testing.T) {
	noLeak(t)
	short := t.TempDir()
	at := func(n int) string { // a path of n bytes
		return filepath.Join(short, strings.Repeat("n", n-len(short)-1))
	}
	for _, path := range []string{at(106), at(107), at(108), at(109), filepath.Join(longFolder(t), strings.Repeat("s", 200)+".sock")} {
		l := listenAt(t, path)
		if _, err := os.Lstat(path); err != nil {
			t.Fatal(err)
		}
		answers(t, l, path)
		if second, err := Listen(path, 0o660, -1); err == nil {
			second.Close()
			t.Errorf("%d bytes: a second Listen took the path", len(path))
		}
		l.Close()
		if left := names(t, filepath.Dir(path)); len(left) != 0 {
			t.Errorf("%d bytes: the folder holds %q", len(path), left)
		}
	}
}

func TestDialErrors(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	staleSocket(t, stale)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	long := longFolder(t)
	for path, want := range map[string]syscall.Errno{
		filepath.Join(dir, "gone"):  unix.ENOENT,
		filepath.Join(long, "gone"): unix.ENOENT,
		stale:                       unix.ECONNREFUSED,
		file:                        unix.ECONNREFUSED,
		filepath.Join(file, "x"):    unix.ENOTDIR,
		"a\x00b":                    unix.EINVAL,
		strings.Repeat("x/", 5000):  unix.ENAMETOOLONG,
	} {
		c, err := Dial(t.Context(), path)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("dial %.40q: %v, want %v", path, err, want)
		}
	}
}

// DialEntry connects to sockets alone, also while somebody swaps one for a symlink
// and back.
// fault: 114
func TestDialEntry(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	v, err := Listen(victim, 0o660, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := errors.Join(os.Symlink("victim", link), os.WriteFile(file, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{victim: nil, link: unix.ELOOP, file: unix.ECONNREFUSED, filepath.Join(dir, "gone"): unix.ENOENT} {
		c, err := DialEntry(t.Context(), path)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	reached := func(c *Conn) string { // the name that the listener has bound
		name, err := c.s.Load().Getpeername()
		if err != nil {
			t.Fatal(err)
		}
		return name.(*unix.SockaddrUnix).Name
	}
	c, err := Dial(t.Context(), victim)
	if err != nil {
		t.Fatal(err)
	}
	ofVictim := reached(c)
	c.Close()
	own := filepath.Join(dir, "own")
	l, err := Listen(own, 0o660, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stop := make(chan struct{})
	swapped := make(chan struct{})
	go func() { // both names stand side by side, and change places
		defer close(swapped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, own, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
			}
		}
	}()
	for range 300 {
		if c, err := DialEntry(t.Context(), link); err == nil {
			if reached(c) == ofVictim {
				t.Error("connected through the symlink")
			}
			c.Close()
		}
	}
	close(stop)
	<-swapped
}

// fullBacklog gives the path of a socket whose backlog is full, and its listening
// descriptor.
func fullBacklog(t *testing.T) (path string, listening int) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "full")
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(l) })
	if err := errors.Join(unix.Bind(l, &unix.SockaddrUnix{Name: path}), unix.Listen(l, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err == unix.EAGAIN {
			return path, l
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// fault: 15
func TestFullBacklogUntilTheContextEnds(t *testing.T) {
	noLeak(t)
	path, _ := fullBacklog(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	testkit.Within(t, "dial", func() {
		c, err := Dial(ctx, path)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, unix.EAGAIN) {
			t.Errorf("dial: %v, want EAGAIN", err)
		}
	})
	if ctx.Err() == nil {
		t.Error("Dial gave up before its context")
	}
	if stale(path) {
		t.Error("a socket with a full backlog counts as stale")
	}
}

// fault: 15
func TestFullBacklogIsTriedAgain(t *testing.T) {
	noLeak(t)
	path, listening := fullBacklog(t)
	dialed := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
		defer cancel()
		c, err := Dial(ctx, path)
		if err == nil {
			c.Close()
		}
		dialed <- err
	}()
	select {
	case err := <-dialed:
		t.Fatalf("dial didn't wait: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	for { // makes one place at a time, until Dial has one
		if fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC); err == nil {
			unix.Close(fd)
		}
		select {
		case err := <-dialed:
			if err != nil {
				t.Errorf("dial: %v", err)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestIdle(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	a.SetIdle(20 * time.Millisecond)
	var buf [1]byte
	testkit.Within(t, "an idle read", func() {
		if _, err := a.Read(buf[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an idle connection: %v, want os.ErrDeadlineExceeded", err)
		}
	})
	a.SetIdle(0)
	got := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(a, buf[:])
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("without a limit: %v", err)
	case <-time.After(60 * time.Millisecond):
	}
	if err := b.WriteFrame(buf[:]); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "a read", func() {
		if err := <-got; err != nil {
			t.Error(err)
		}
	})
}

// Each side sees the other's credentials: those of the process that connected,
// and those of the process that called listen(2).
// fault: 58
func TestPeer(t *testing.T) {
	noLeak(t)
	path := filepath.Join(t.TempDir(), "w.sock")
	l := listenAt(t, path)
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for side, conn := range map[string]*Conn{"the caller": s, "the worker": c} {
		p, err := conn.Peer()
		if err != nil {
			t.Fatal(err)
		}
		if p.PID != int32(os.Getpid()) || p.UID != uint32(os.Getuid()) || p.GID != uint32(os.Getgid()) {
			t.Errorf("%s is %+v", side, p)
		}
	}
}

// Uid, gid and groups come from the kernel. The groups may be few, none, or more
// than the first buffer holds.
// fault: 57
func TestPeerOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Lack(t, "to be another user needs root")
	}
	many := make([]uint32, 300)
	for i := range many {
		many[i] = uint32(50000 + i)
	}
	for _, groups := range [][]uint32{nil, {7}, {7, 4294967290}, many[:64], many[:65], many} {
		noLeak(t)
		dir, err := os.MkdirTemp("", "fdconn")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "w.sock")
		l, err := Listen(path, 0o666, -1)
		if err != nil {
			t.Fatal(err)
		}
		cmd := helper(t, "dial", path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 5678, Groups: groups}}
		exe := copySelf(t, dir) // another user can't enter go test's own folder
		cmd.Path, cmd.Args[0] = exe, exe
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		testkit.Within(t, "the other user", func() {
			s, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			p, err := s.Peer()
			slices.Sort(p.Groups)
			if err != nil || p.UID != 1234 || p.GID != 5678 || !slices.Equal(p.Groups, groups) {
				t.Errorf("%d groups: %+v, %v", len(groups), p, err)
			}
		})
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		l.Close()
	}
}

func init() {
	helpers["dial"] = func(args []string) error {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
		defer cancel()
		c, err := Dial(ctx, args[0])
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	}
}

func copySelf(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "helper"+strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}
