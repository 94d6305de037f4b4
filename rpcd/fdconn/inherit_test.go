package fdconn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// socketFD gives a socket, closed at the test's end.
func socketFD(t *testing.T, domain, kind int) int {
	t.Helper()
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// bound binds a socket, and makes it listen if listen is set.
func bound(t *testing.T, fd int, address unix.Sockaddr, listen bool) int {
	t.Helper()
	if err := unix.Bind(fd, address); err != nil {
		t.Fatal(err)
	}
	if listen {
		if err := unix.Listen(fd, 10); err != nil {
			t.Fatal(err)
		}
	}
	return fd
}

func TestInherit(t *testing.T) {
	noLeak(t)
	path := filepath.Join(t.TempDir(), "w.sock")
	fd := bound(t, socketFD(t, unix.AF_UNIX, unix.SOCK_STREAM), &unix.SockaddrUnix{Name: path}, true)
	l, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	if l.Path() != path {
		t.Errorf("path %q, want %q", l.Path(), path)
	}
	own := -1
	if err := control(l, func(n int) { own = n }); err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(uintptr(own), unix.F_GETFD, 0); own == fd || err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor %d (of %d): flags %#x, %v; want another, close-on-exec", own, fd, flags, err)
	}
	answers(t, l, path)
	before := inode(t, path)

	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	l.Close()
	testkit.Within(t, "accept", func() {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("accept after Close: %v, want os.ErrClosed", err)
		}
	})
	if inode(t, path) != before {
		t.Error("Close changed a file that isn't ours")
	}
	if left := names(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("the folder holds %q", left)
	}

	// A caller that connects between two listeners waits for the next one.
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatalf("dial while nobody accepts: %v", err)
	}
	defer c.Close()
	next, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	testkit.Within(t, "the next accept", func() {
		s, err := next.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		s.Close()
	})
}

func control(l *Listener, f func(fd int)) error {
	rc, err := l.s.SyscallConn()
	if err != nil {
		return err
	}
	return rc.Control(func(fd uintptr) { f(int(fd)) })
}

// Inherit refuses a descriptor that is no listening UNIX stream socket with a
// path, and says why. The descriptor stays open, since the caller owns it.
func TestInheritRefuses(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFDs(pair[:])
	file, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	local := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	unixAt := func(name string) unix.Sockaddr { return &unix.SockaddrUnix{Name: name} }
	for name, c := range map[string]struct {
		fd   int
		want string
	}{
		"one end of a pair": {pair[0], "it isn't listening"},
		"a regular file":    {int(file.Fd()), "it is no socket"},
		"a device":          {open(t, 1)[0], "it is no socket"},
		"UDP":               {bound(t, socketFD(t, unix.AF_INET, unix.SOCK_DGRAM), local, false), "it is no UNIX socket"},
		"TCP":               {bound(t, socketFD(t, unix.AF_INET, unix.SOCK_STREAM), local, true), "it is no UNIX socket"},
		"datagrams":         {bound(t, socketFD(t, unix.AF_UNIX, unix.SOCK_DGRAM), unixAt(dir+"/dgram"), false), "it is no stream socket"},
		"packets":           {bound(t, socketFD(t, unix.AF_UNIX, unix.SOCK_SEQPACKET), unixAt(dir+"/packet"), true), "it is no stream socket"},
		"not listening":     {bound(t, socketFD(t, unix.AF_UNIX, unix.SOCK_STREAM), unixAt(dir+"/deaf"), false), "it isn't listening"},
		"abstract":          {bound(t, socketFD(t, unix.AF_UNIX, unix.SOCK_STREAM), unixAt("@rpcd"+filepath.Base(dir)+t.Name()), true), "it has no path"},
		"unnamed":           {bound(t, socketFD(t, unix.AF_UNIX, unix.SOCK_STREAM), unixAt(""), true), "it has no path"},
		"closed":            {1 << 20, "it isn't open"},
	} {
		l, err := Inherit(c.fd)
		if err == nil {
			l.Close()
			t.Errorf("%s: taken", name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := unix.FcntlInt(uintptr(c.fd), unix.F_GETFD, 0); err != nil && name != "closed" {
			t.Errorf("%s: it was closed", name)
		}
	}
}
