package fdconn

import (
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAdopt(t *testing.T) {
	noLeak(t)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	c, err := Adopt(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.WriteFrame([]byte("there")); err != nil {
		t.Error(err)
	}
	var b [5]byte
	if n, err := unix.Read(fds[1], b[:]); err != nil || string(b[:n]) != "there" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if _, err := unix.Write(fds[1], []byte("back!")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, b[:]); err != nil || string(b[:]) != "back!" {
		t.Errorf("%q, %v", b[:], err)
	}
	if c, err := Adopt(1 << 20); err == nil {
		c.Close()
		t.Error("a descriptor that isn't open became a connection")
	}
}

func TestQuiet(t *testing.T) {
	noLeak(t)
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if !a.Quiet() {
		t.Error("nothing was sent, and it isn't quiet")
	}
	if err := b.WriteFrame([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if a.Quiet() {
		t.Error("a byte is unread, and it is quiet")
	}
	if _, err := a.Read(make([]byte, 1)); err != nil || !a.Quiet() {
		t.Errorf("all is read, and it isn't quiet (%v)", err)
	}
	b.Close()
	if a.Quiet() {
		t.Error("the other side has closed, and it is quiet")
	}
	a.Close()
	if a.Quiet() {
		t.Error("it is closed, and quiet")
	}
}

// Whom a caller has dialed sends it no descriptors: to close them may take for ever.
// fault: 141
func TestCallersTakeNone(t *testing.T) {
	if fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		defer unix.Close(fd)
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 0) != nil {
			t.Skip("this kernel can't refuse them") // before Linux 6.16
		}
	}
	l, err := Listen(t.TempDir()+"/w.sock", 0o600, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := Dial(t.Context(), l.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	adopted, err := Adopt(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	defer adopted.Close()
	null := open(t, 1)
	defer closeFDs(null)
	if err := accepted.WriteDescriptors([]byte{1}, null); !errors.Is(err, unix.EPERM) {
		t.Errorf("to a dialed end: %v", err)
	}
	if err := unix.Sendmsg(fds[1], []byte{1}, unix.UnixRights(null...), nil, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("to an adopted end: %v", err)
	}
	adopted.Receive(MaxDescriptors) // as a resident worker does
	if err := unix.Sendmsg(fds[1], []byte{1}, unix.UnixRights(null...), nil, 0); err != nil {
		t.Errorf("to one that receives: %v", err)
	}
}
