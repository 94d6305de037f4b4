package resident

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// daemon is rpcd's end of a worker's socket.
type daemon struct {
	t    *testing.T
	conn *fdconn.Conn
	over chan error // what serve gave
}

// serve has a handler serve on one end of a socket pair, and gives the other.
func serve(t *testing.T, h HandlerFunc) *daemon {
	t.Helper()
	theirs, ours, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.SetDeadline(time.Now().Add(testkit.Limit)); err != nil {
		t.Fatal(err)
	}
	mask := unix.Umask(0)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t, ours, make(chan error, 1)}
	w := &worker{conn: theirs, br: bufio.NewReader(theirs)}
	go func() {
		err := w.serve(h)
		w.leave()
		d.over <- err
	}()
	t.Cleanup(func() {
		ours.Close()
		testkit.Within(t, "serve's end", func() { <-d.over })
		theirs.Close()
		unix.Umask(mask)
		_ = os.Chdir(dir)
	})
	return d
}

func (d *daemon) send(frame []byte, fds ...int) {
	d.t.Helper()
	if err := d.conn.WriteDescriptors(frame, fds); err != nil {
		d.t.Fatal(err)
	}
}

// next takes the next frame, which has to be of that type.
func (d *daemon) next(want wire.Type) (flags uint16, payload []byte) {
	d.t.Helper()
	h, err := wire.ReadHeader(d.conn)
	if err == nil {
		payload, err = wire.ReadPayload(d.conn, h)
	}
	if err != nil || h.Type != want {
		d.t.Fatalf("a %v frame, %v; want %v", h.Type, err, want)
	}
	return h.Flags, payload
}

// call sends a CALL with a directory, and with descriptors behind stdio.
func (d *daemon) call(id, dir string, more ...int) {
	d.t.Helper()
	root, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	defer unix.Close(root)
	m := &wire.Call{Flags: wire.CallKeep, Procedure: "p", Env: []string{"A=1", "RPC_CALL_ID=" + id}, Umask: 0o77}
	for i := range more {
		m.Streams = append(m.Streams, wire.Stream{Number: uint8(2 + i), Mode: wire.Passed, Index: uint8(i)})
	}
	m.Streams = append(m.Streams, wire.Stream{Mode: wire.Directory, Index: uint8(len(more))})
	d.send(m.Append(), append(more, root)...)
}

// exit takes STARTED and EXIT of a call, and gives its wait status.
func (d *daemon) exit(id string) uint32 {
	d.t.Helper()
	_, b := d.next(wire.TypeStarted)
	if m, err := wire.ParseStarted(0, b); err != nil || m.ID != id {
		d.t.Errorf("STARTED %+v, %v", m, err)
	}
	flags, b := d.next(wire.TypeExit)
	m, err := wire.ParseExit(flags, b)
	if err != nil || m.ID != id {
		d.t.Errorf("EXIT %+v, %v", m, err)
	}
	return m.Status
}

func TestStatuses(t *testing.T) {
	statuses := []int{0, 7, 255, -int(syscall.SIGTERM)}
	n := 0
	d := serve(t, func(*Call) int { n++; return statuses[n-1] })
	for _, want := range []uint32{0, 7 << 8, 255 << 8, 15} {
		d.call("1", "/")
		if got := d.exit("1"); got != want {
			t.Errorf("status %#x, want %#x", got, want)
		}
	}
}

// A call's descriptors have their numbers, those that it lacks are /dev/null, and all
// are closed at its end.
func TestDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d := serve(t, func(c *Call) int {
		if _, err := c.Stdin.Read(make([]byte, 1)); err != io.EOF || len(c.ExtraFiles) != 1 || c.Getenv("A") != "1" || c.Umask != 0o77 {
			return 1
		}
		_, _ = c.Stderr.WriteString("2")
		_, _ = c.ExtraFiles[0].WriteString("3")
		return 0
	})
	d.call("1", "/tmp", int(w.Fd()), int(w.Fd()))
	w.Close()
	if got := d.exit("1"); got != 0 {
		t.Errorf("status %#x", got)
	}
	if b, err := io.ReadAll(r); string(b) != "23" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// A call whose directory can't be entered is refused by its id, as is one whose
// descriptors aren't all there. The worker goes on.
func TestCallsThatCannotBegin(t *testing.T) {
	d := serve(t, func(*Call) int { return 0 })
	refused := func(code wire.Code, id string) {
		t.Helper()
		_, b := d.next(wire.TypeRefused)
		if m, err := wire.ParseRefused(b); err != nil || m.Code != code || m.ID != id {
			t.Errorf("%+v, %v", m, err)
		}
	}
	d.call("1", "/etc/passwd")
	refused(wire.NoDirectory, "1")
	d.send((&wire.Call{Procedure: "p", Env: []string{"RPC_CALL_ID=2"}, Streams: []wire.Stream{{Number: 1, Mode: wire.Passed}}}).Append())
	refused(wire.Failed, "2")
	d.send(wire.Frame(9, 0, 0, []byte("RPCD\x00\x01"))) // of a later rpcd
	refused(wire.Protocol, "")
	d.call("3", "/")
	d.exit("3")
}

// A signal that comes when no call runs is for nobody. One in a call cancels it, and
// so does the end of rpcd.
func TestCancel(t *testing.T) {
	causes := make(chan syscall.Signal, 2)
	d := serve(t, func(c *Call) int {
		<-c.Context().Done()
		var canceled *Canceled
		errors.As(context.Cause(c.Context()), &canceled)
		causes <- canceled.Signal
		return 0
	})
	d.send(wire.Signal(uint8(syscall.SIGTERM), 0))
	d.call("1", "/")
	d.send(wire.Signal(uint8(syscall.SIGUSR1), 0))
	d.send(wire.Signal(uint8(syscall.SIGINT), 0))
	d.exit("1")
	if sig := <-causes; sig != syscall.SIGINT {
		t.Errorf("canceled by %v", sig)
	}
	d.call("2", "/")
	d.next(wire.TypeStarted)
	d.conn.Close()
	testkit.Within(t, "the second cancel", func() {
		if sig := <-causes; sig != syscall.SIGTERM {
			t.Errorf("canceled by %v", sig)
		}
	})
}

func TestNotResident(t *testing.T) {
	t.Setenv(variable, "")
	if err := Serve(HandlerFunc(func(*Call) int { return 0 })); !errors.Is(err, ErrNotResident) {
		t.Errorf("Serve: %v", err)
	}
	if err := Loading(); !errors.Is(err, ErrNotResident) {
		t.Errorf("Loading: %v", err)
	}
}
