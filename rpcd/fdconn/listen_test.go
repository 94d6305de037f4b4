package fdconn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// answers checks that a connection to path reaches l.
func answers(t *testing.T, l *Listener, path string) {
	t.Helper()
	testkit.Within(t, "a connection", func() {
		c, err := Dial(t.Context(), path)
		if err != nil {
			t.Errorf("dial: %v", err)
			return
		}
		defer c.Close()
		if err := c.WriteFrame([]byte("x")); err != nil {
			t.Error(err)
		}
		for { // skips connections that only checked whether somebody serves
			s, err := l.Accept()
			if err != nil {
				t.Errorf("accept: %v", err)
				return
			}
			var b [1]byte
			_, err = s.Read(b[:])
			s.Close()
			if err == nil {
				return
			} else if err != io.EOF {
				t.Errorf("read: %v", err)
				return
			}
		}
	})
}

// names lists the names of the files in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestListen(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "w.sock")
	l := listenAt(t, path)
	answers(t, l, path)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("after Close the folder holds %q", left)
	}
	if _, err := l.Accept(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("accept after Close: %v, want os.ErrClosed", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestCloseEndsAccept(t *testing.T) {
	noLeak(t)
	l := listenAt(t, filepath.Join(t.TempDir(), "w.sock"))
	errs := make(chan error)
	go func() {
		_, err := l.Accept()
		errs <- err
	}()
	l.Close()
	testkit.Within(t, "accept", func() {
		if err := <-errs; !errors.Is(err, os.ErrClosed) {
			t.Errorf("accept: %v, want os.ErrClosed", err)
		}
	})
}

// fault: 60
func TestModeWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o077, 0o777} {
		for _, mode := range []os.FileMode{0o600, 0o620, 0o660, 0o666, 0o777} {
			t.Run(fmt.Sprintf("%03o under %03o", mode, umask), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "w.sock")
				old := unix.Umask(umask)
				l, err := Listen(path, mode, os.Getgid())
				after := unix.Umask(old)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if after != umask {
					t.Errorf("the umask is %03o now", after)
				}
				info, err := os.Lstat(path)
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode() != fs.ModeSocket|mode {
					t.Errorf("mode %v", info.Mode())
				}
			})
		}
	}
}

// The socket has its mode when its name appears. A process that watches the
// folder (inotify(7)) never sees another mode.
// fault: 60
func TestModeFromTheFirstMoment(t *testing.T) {
	dir := t.TempDir()
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, dir, unix.IN_CREATE|unix.IN_ATTRIB|unix.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(filepath.Join(dir, "w.sock"), 0o660, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := make([]byte, 4096)
	n, err := unix.Read(watch, b)
	if err != nil {
		t.Fatal(err)
	}
	made, named := false, false
	for b = b[:n]; len(b) >= unix.SizeofInotifyEvent; {
		mask, size := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:][:size]), "\x00")
		b = b[unix.SizeofInotifyEvent+size:]
		socket := strings.HasSuffix(name, ".tmp") || name == "w.sock"
		made = made || socket && mask&unix.IN_CREATE != 0
		named = named || name == "w.sock" && mask&unix.IN_MOVED_TO != 0
		if socket && mask&unix.IN_ATTRIB != 0 {
			t.Errorf("%s: its mode or owner was changed after it was made", name)
		}
	}
	if !made || !named {
		t.Errorf("made %v, renamed %v: this test looks for something else", made, named)
	}
}

func TestGroup(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Lack(t, "to give a socket to a group needs root")
	}
	path := filepath.Join(t.TempDir(), "w.sock")
	l, err := Listen(path, 0o660, 4242)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil || st.Gid != 4242 {
		t.Errorf("group %d, %v; want 4242", st.Gid, err)
	}
}

// A user with write access to the folder swaps the new socket for a link. The
// link's target keeps its mode and its group all the same.
// fault: 103
func TestLinkInTheSocketsPlace(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gid := -1
	if os.Getuid() == 0 {
		gid = 4242
	}
	path := filepath.Join(dir, "w.sock")
	temporary := filepath.Join(dir, fmt.Sprintf(".%016x.tmp", hash(path)))
	stop := make(chan struct{})
	var swap sync.WaitGroup
	swap.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			link := filepath.Join(dir, "link")
			_ = os.Symlink(victim, link)
			if _, err := os.Lstat(temporary); err == nil {
				_ = os.Rename(link, temporary)
			}
		}
	})
	for range 300 {
		if l, err := Listen(path, 0o666, gid); err == nil {
			l.Close()
		}
		_ = os.Remove(path) // it is the link if the swap came first
	}
	close(stop)
	swap.Wait()
	var st unix.Stat_t
	if err := unix.Lstat(victim, &st); err != nil || st.Mode&0o7777 != 0o600 || int(st.Gid) == gid {
		t.Errorf("the link's target has mode %o, group %d, %v", st.Mode&0o7777, st.Gid, err)
	}
}

// fault: 8
func TestStaleSocketIsReplaced(t *testing.T) {
	noLeak(t)
	path := filepath.Join(t.TempDir(), "w.sock")
	staleSocket(t, path)
	if !stale(path) {
		t.Error("a socket that nobody listens on isn't stale")
	}
	l := listenAt(t, path)
	answers(t, l, path)
}

// A killed daemon leaves its socket, its lock file and perhaps its temporary
// socket. A new Listen replaces all of them.
func TestLeftoversOfADeadDaemon(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "w.sock")
	staleSocket(t, path)
	if err := os.WriteFile(filepath.Join(dir, ".w.sock.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	staleSocket(t, filepath.Join(dir, fmt.Sprintf(".%d.tmp", os.Getpid())))
	answers(t, listenAt(t, path), path)
}

// fault: 9
func TestLiveSocketIsRefused(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "w.sock")
	l := listenAt(t, path)
	if stale(path) {
		t.Error("a live socket counts as stale")
	}
	drain(t, l, 1)
	ino := inode(t, path)
	refused := func(how string) {
		t.Helper()
		second, err := Listen(path, 0o660, -1)
		if err == nil {
			second.Close()
			t.Fatalf("%s: a second Listen took the path", how)
		}
		if !strings.Contains(err.Error(), "another rpcd serves there") {
			t.Errorf("%s: %v", how, err)
		}
		if inode(t, path) != ino {
			t.Errorf("%s: the socket is another one", how)
		}
	}
	refused("with the lock")
	if err := os.Remove(filepath.Join(dir, ".w.sock.lock")); err != nil {
		t.Fatal(err)
	}
	refused("without the lock's file")
	drain(t, l, 1)
	answers(t, l, path)
	l.Close()
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("the folder holds %q", left)
	}
}

// drain accepts and closes n connections that only checked whether l serves.
func drain(t *testing.T, l *Listener, n int) {
	t.Helper()
	for range n {
		testkit.Within(t, "accept", func() {
			if c, err := l.Accept(); err == nil {
				c.Close()
			}
		})
	}
}

// fault: 13
func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	make := map[string]func(path string) error{
		"file":      func(p string) error { return os.WriteFile(p, []byte("precious"), 0o644) },
		"folder":    func(p string) error { return os.Mkdir(p, 0o755) },
		"fifo":      func(p string) error { return unix.Mkfifo(p, 0o644) },
		"link":      func(p string) error { return os.Symlink("elsewhere", p) },
		"stalelink": func(p string) error { staleSocket(t, p+".real"); return os.Symlink(p+".real", p) },
		"datagrams.sock": func(p string) error { // another program's socket, which takes no connections
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { unix.Close(fd) })
			return unix.Bind(fd, &unix.SockaddrUnix{Name: p})
		},
	}
	for name, f := range make {
		path := filepath.Join(dir, name)
		if err := f(path); err != nil {
			t.Fatal(err)
		}
		before := inode(t, path)
		if l, err := Listen(path, 0o660, -1); err == nil {
			l.Close()
			t.Errorf("%s: replaced", name)
		}
		Sweep(dir)
		if inode(t, path) != before {
			t.Errorf("%s: it is another thing now", name)
		}
	}
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("a failed Listen left %q", name)
		}
	}
}

// The name appears only once the socket listens. So a caller that sees the name
// can connect, unless the listener closes at that moment.
func TestNotVisibleBeforeItListens(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "w.sock")
	stop := make(chan struct{})
	var seen int
	var watch sync.WaitGroup
	var going sync.Mutex // no Close between the caller's look-up of the file and its connect
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			going.Lock()
			c, err := Dial(t.Context(), path)
			going.Unlock()
			switch {
			case err == nil:
				seen++
				c.Close()
			case !errors.Is(err, unix.ENOENT):
				t.Errorf("dial: %v", err)
				return
			}
		}
	})
	for range 200 {
		l, err := Listen(path, 0o660, -1)
		if err != nil {
			t.Error(err)
			break
		}
		drain(t, l, 1) // of the goroutine above
		going.Lock()
		l.Close()
		going.Unlock()
	}
	close(stop)
	watch.Wait()
	if seen == 0 {
		t.Error("nobody looked")
	}
}

func TestCloseRemovesOnlyItsOwn(t *testing.T) {
	noLeak(t)
	path := filepath.Join(t.TempDir(), "w.sock")
	l := listenAt(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	staleSocket(t, path) // stands for a successor's socket
	ino := inode(t, path)
	l.Close()
	if inode(t, path) != ino {
		t.Error("the successor's socket was removed")
	}
}

// If many daemons find one stale socket, exactly one of them replaces it.
// fault: 8
func TestOneOfManyTakesTheStaleSocket(t *testing.T) {
	noLeak(t)
	path := filepath.Join(t.TempDir(), "w.sock")
	staleSocket(t, path)
	const n = 20
	results := make(chan *Listener, n)
	for range n {
		go func() {
			l, err := Listen(path, 0o660, -1)
			if err != nil {
				l = nil
			}
			results <- l
		}()
	}
	var winners []*Listener
	for range n {
		if l := <-results; l != nil {
			winners = append(winners, l)
			defer l.Close()
		}
	}
	if len(winners) != 1 {
		t.Fatalf("%d serve, want 1", len(winners))
	}
}

// Replicas that start at once in one folder don't take each other's temporary
// names, though each may be PID 1 of its container.
func TestReplicasOfOnePIDInOneFolder(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	const n = 16
	type result struct {
		path string
		l    *Listener
		err  error
	}
	results := make(chan result, n)
	for i := range n {
		go func() {
			path := filepath.Join(dir, fmt.Sprintf("replica%d.sock", i))
			l, err := Listen(path, 0o660, -1)
			results <- result{path, l, err}
		}()
	}
	var up []result
	for range n {
		r := <-results
		if r.err != nil {
			t.Errorf("%s: %v", filepath.Base(r.path), r.err)
			continue
		}
		defer r.l.Close()
		up = append(up, r)
	}
	for _, r := range up {
		if !t.Failed() {
			answers(t, r.l, r.path)
		}
	}
}

func TestListenFails(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	if l, err := Listen(filepath.Join(dir, "gone", "w.sock"), 0o660, -1); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			l.Close()
		}
		t.Errorf("no such folder: %v", err)
	}
}

// A successor waits for the lock of a killed daemon that the kernel hasn't
// cleared away yet. It doesn't wait for a daemon that lives.
func TestLockOfADyingDaemon(t *testing.T) {
	for _, first := range []string{"its socket", "its lock"} {
		path := filepath.Join(t.TempDir(), "w.sock")
		dead, err := Listen(path, 0o600, -1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(path, 0o600, -1); !errors.Is(err, errLocked) {
			t.Errorf("beside a live one: %v", err)
		}
		go func() { // as the kernel does, which closes the two in any order
			time.Sleep(100 * time.Millisecond)
			if first == "its lock" {
				_ = dead.lock.Close()
				time.Sleep(100 * time.Millisecond)
			}
			_ = dead.s.Close()
			time.Sleep(100 * time.Millisecond)
			_ = dead.lock.Close()
		}()
		l, err := Listen(path, 0o600, -1)
		if err != nil {
			t.Fatalf("%s goes first: %v", first, err)
		}
		_ = l.Close()
	}
}

// The folder has a default ACL, which replaces the umask (acl(5)). The socket
// still gets the mode that was asked for.
// fault: 96
func TestModeInAFolderWithADefaultACL(t *testing.T) {
	dir := t.TempDir()
	acl := []byte{2, 0, 0, 0} // the version; each entry then has a tag, permissions and an id
	for _, entry := range [][2]byte{{0x01, 7}, {0x04, 5}, {0x20, 0}} {
		acl = append(acl, entry[0], 0, entry[1], 0, 0xff, 0xff, 0xff, 0xff)
	}
	if err := unix.Setxattr(dir, "system.posix_acl_default", acl, 0); err != nil {
		t.Skipf("SKIPPED: the temporary folder has no ACLs: %v", err)
	}
	path := filepath.Join(dir, "w.sock")
	l, err := Listen(path, 0o666, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// The refusing of those that wait ends, although new ones keep coming.
// fault: 99
func TestRefuseWaitingAgainstComers(t *testing.T) {
	testkit.Within(t, "the end of turning away", func() {
		if n := refuseAll(func() bool { return true }); n != backlog {
			t.Errorf("%d are turned away, want %d", n, backlog)
		}
	})
}
