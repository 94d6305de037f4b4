package fdconn

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// What arrives while a connection is detached, descriptors too, is there for who holds
// it, and the rest for the connection itself when it is back.
func TestDetach(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	null := open(t, 2)
	for range 3 {
		fd, err := a.Detach()
		if err != nil {
			t.Fatal(err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("flags %#x, %v: it would leak into children", flags, err)
		}
		if err := b.WriteDescriptors([]byte("first"), null[:1]); err != nil {
			t.Fatal(err)
		}
		if err := b.WriteDescriptors([]byte("second"), null[1:]); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(make([]byte, 1)); err == nil {
			t.Error("the connection reads while it is away")
		}
		if err := a.WriteFrame([]byte("x")); err == nil {
			t.Error("the connection writes while it is away")
		}
		p, oob := make([]byte, 5), make([]byte, 100)
		n, oobn, _, _, err := unix.Recvmsg(fd, p, oob, 0)
		if err != nil || string(p[:n]) != "first" {
			t.Fatalf("read %q, %v", p[:n], err)
		}
		all, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		fds, err := unix.ParseUnixRights(&all[0])
		if err != nil || len(fds) != 1 {
			t.Fatal(fds, err)
		}
		closeFDs(fds)
		if _, err := unix.Write(fd, []byte("answer")); err != nil {
			t.Error(err)
		}
		if err := a.Attach(fd); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 6)
		if _, err := io.ReadFull(a, got); err != nil || string(got) != "second" {
			t.Errorf("read %q, %v", got, err)
		}
		fds, truncated := taken(a)
		closeFDs(fds)
		if len(fds) != 1 || truncated {
			t.Errorf("%d descriptors, truncated %v", len(fds), truncated)
		}
		if err := a.WriteFrame([]byte("back")); err != nil {
			t.Error(err)
		}
		got = make([]byte, 10)
		if _, err := io.ReadFull(b, got); err != nil || string(got) != "answerback" {
			t.Errorf("the other side read %q, %v", got, err)
		}
	}
}

// A deadline of before is none afterwards, and one that is set then counts.
func TestDeadlinesAndDetach(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if err := a.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	fd, err := a.Detach()
	if err != nil {
		t.Fatal(err)
	}
	if a.SetDeadline(time.Now()) == nil {
		t.Error("a deadline was set on nothing")
	}
	a.SetIdle(0)
	if err := a.Attach(fd); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteFrame([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if err := a.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// HangUp reaches whoever holds the connection, and the connection itself afterwards; so
// does a last word, without the word.
func TestHangUpWhileDetached(t *testing.T) {
	for name, hangUp := range map[string]func(c *Conn){
		"HangUp":        (*Conn).HangUp,
		"SendAndHangUp": func(c *Conn) { c.SendAndHangUp([]byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			noLeak(t)
			a, b := pair(t)
			defer a.Close()
			defer b.Close()
			fd, err := a.Detach()
			if err != nil {
				t.Fatal(err)
			}
			_ = unix.SetNonblock(fd, false)
			over := make(chan error, 1)
			go func() {
				n, err := unix.Read(fd, make([]byte, 1))
				if n != 0 {
					err = errors.New("it read something")
				}
				over <- err
			}()
			hangUp(a)
			testkit.Within(t, "the end", func() {
				if err := <-over; err != nil {
					t.Error(err)
				}
				if _, err := b.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("the other side: %v", err)
				}
			})
			if err := a.Attach(fd); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Read(make([]byte, 1)); err != io.EOF {
				t.Error(err)
			}
		})
	}
}

// Hang-ups of others race with a connection that comes and goes, and none is lost.
func TestHangUpsRaceWithDetach(t *testing.T) {
	noLeak(t)
	for range 50 {
		a, b := pair(t)
		over := make(chan struct{})
		go func() { defer close(over); a.HangUp() }()
		for range 3 {
			fd, err := a.Detach()
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Attach(fd); err != nil {
				t.Fatal(err)
			}
		}
		<-over
		testkit.Within(t, "the end", func() {
			if _, err := b.Read(make([]byte, 1)); err != io.EOF {
				t.Error(err)
			}
		})
		a.Close()
		b.Close()
	}
}

// A guard is told of the descriptor that counts, and of no other for long.
func TestGuardAndDetach(t *testing.T) {
	noLeak(t)
	guarded := map[int]int{}
	old := Guard
	Guard = func(fd int, _ bool) func() {
		guarded[fd]++
		left := false
		return func() {
			if !left {
				left = true
				guarded[fd]--
			}
		}
	}
	defer func() { Guard = old }()
	a, b := pair(t)
	b.Close()
	fd, err := a.Detach()
	if err != nil {
		t.Fatal(err)
	}
	sum := func() (n int) {
		for _, times := range guarded {
			n += times
		}
		return n
	}
	if guarded[fd] != 1 || sum() != 1 {
		t.Errorf("detached: %v", guarded)
	}
	if err := a.Attach(fd); err != nil {
		t.Fatal(err)
	}
	if guarded[fd] != 1 || sum() != 1 {
		t.Errorf("attached: %v", guarded)
	}
	a.Close()
	if sum() != 0 {
		t.Errorf("closed: %v", guarded)
	}
}

// A connection that is closed can't be detached, and what comes back as none has ended.
func TestDetachFails(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	b.Close()
	fd, err := a.Detach()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if a.Attach(fd) == nil {
		t.Error("attached what is closed")
	}
	if _, err := a.Detach(); err == nil {
		t.Error("detached what is closed")
	}
	a.Close()
}
