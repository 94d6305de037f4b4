package client

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/door"
	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// sendCall stands for code that runs before Go's runtime. It connects and sends a
// call of script, with its stdin and stdout.
func sendCall(t *testing.T, worker, procedure, script string, stdin, stdout *os.File) door.Sent {
	t.Helper()
	socket := filepath.Join(Dir(), worker+".sock")
	conn, err := fdconn.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	m := &wire.Call{
		Procedure: procedure, Args: []string{"-c", script}, Dir: wire.Dir{Name: "/"},
		Streams: []wire.Stream{{Mode: wire.Passed}, {Number: 1, Mode: wire.Passed, Index: 1, Flags: wire.StreamOutput, Window: outWindow}},
	}
	if err := conn.WriteDescriptors(m.Append(), []int{int(stdin.Fd()), int(stdout.Fd())}); err != nil {
		t.Fatal(err)
	}
	return door.Sent{Conn: conn, Socket: socket, Call: m}
}

// answer reads the first n bytes of the answer. If n is negative, it reads all
// bytes that come within 200 ms.
func answer(t *testing.T, conn *fdconn.Conn, n int) []byte {
	t.Helper()
	if n >= 0 {
		b := make([]byte, n)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	time.Sleep(200 * time.Millisecond)
	b := make([]byte, 1<<16)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// adopted sends a call, and makes a Cmd of its connection after it has read the
// first bytes of the answer. It also gives the call's stdin and stdout.
func adopted(t *testing.T, worker, procedure, script string, read int) (c *Cmd, stdin io.WriteCloser, stdout io.ReadCloser) {
	t.Helper()
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inW.Close(); outR.Close() })
	s := sendCall(t, worker, procedure, script, inR, outW)
	s.Read = answer(t, s.Conn, read)
	c = Command(worker, procedure, "-c", script)
	c.Dir, c.Stdin, c.Stdout = "/", inR, outW
	c.childFiles = []*os.File{inR, outW}
	door.Of(c).Adopt(s)
	return c, inW, outR
}

// A call that other code has sent goes on like any call, however much of its
// answer was read. Its procedure reads, writes, gets a signal and has a status.
func TestAdopt(t *testing.T) {
	const script = `trap 'echo got; exit 5' USR1; read word; echo "$word"; while :; do sleep 0.02; done`
	each(t, func(t *testing.T, worker string, bridged bool) {
		for _, read := range []int{0, 1, wire.HeaderLen, wire.HeaderLen + 3, -1} {
			c, stdin, stdout := adopted(t, worker, "sh", script, read)
			if err := c.Start(); err != nil {
				t.Fatalf("%d bytes read: %v", read, err)
			}
			if c.ID() == "" || door.Of(c).Relays() != bridged {
				t.Errorf("%d bytes read: id %q, relays %v", read, c.ID(), door.Of(c).Relays())
			}
			if _, err := io.WriteString(stdin, "hello\n"); err != nil {
				t.Error(err)
			}
			if line := testkit.Line(t, stdout); line != "hello" {
				t.Errorf("%d bytes read: %q", read, line)
			}
			if err := c.Signal(syscall.SIGUSR1); err != nil {
				t.Error(err)
			}
			if line := testkit.Line(t, stdout); line != "got" {
				t.Errorf("%d bytes read: %q", read, line)
			}
			var exit *ExitError
			if err := c.Wait(); !errors.As(err, &exit) || c.ProcessState.ExitCode() != 5 {
				t.Errorf("%d bytes read: %v", read, err)
			}
		}
	})
}

// Relayed output that was read together with the answer arrives whole and in
// order.
func TestAdoptWithOutput(t *testing.T) {
	each(t, func(t *testing.T, worker string, bridged bool) {
		if !bridged {
			return
		}
		c, _, stdout := adopted(t, worker, "sh", "head -c 200000 /dev/zero | tr '\\0' x; echo; sleep 0.1; echo end", -1)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- c.Wait() }()
		if text, err := io.ReadAll(stdout); err != nil || string(text) != strings.Repeat("x", 200000)+"\nend\n" {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The error of a refused call is the same as if Start had sent the call.
func TestAdoptRefused(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		plain := Command(worker, "nosuchcommand", "-c", "")
		plain.Dir = "/"
		wanted := plain.Run()
		for _, read := range []int{0, 5, -1} {
			c, _, _ := adopted(t, worker, "nosuchcommand", "", read)
			err := c.Start()
			want(t, err, ErrUnknown, false)
			if err == nil || err.Error() != wanted.Error() {
				t.Errorf("%v, want %v", err, wanted)
			}
			if err := c.Signal(syscall.SIGTERM); !errors.Is(err, ErrNotRunning) {
				t.Errorf("a signal: %v", err)
			}
		}
	})
}

// A call that was refused as busy is sent again until RetryFor is over.
func TestAdoptRetries(t *testing.T) {
	newWorld(t).serve("w", "--max-calls", "1", "--queue", "0")
	first := occupy(t, "w")
	c, _, stdout := adopted(t, "w", "sh", "echo here", -1)
	want(t, c.Start(), ErrBusy, false)
	stdout.Close()

	c, _, stdout = adopted(t, "w", "sh", "echo here", -1)
	c.RetryFor = testkit.Limit
	go func() {
		time.Sleep(50 * time.Millisecond)
		_ = first.Kill()
	}()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line := testkit.Line(t, stdout); line != "here" {
		t.Errorf("%q", line)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// Start closes the adopted connection even if it fails before it uses it.
func TestAdoptClosesItsConnection(t *testing.T) {
	newWorld(t).serve("w")
	c, _, _ := adopted(t, "w", "sh", "sleep 1000", 0)
	conn := c.sent.Conn
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c.Stderr = dir // a directory can't be passed, so Start fails
	want(t, c.Start(), ErrUsage, false)
	if err := conn.WriteFrame(nil); err == nil && conn.Quiet() {
		t.Error("the connection is open")
	}
	other := uint32(os.Getuid() + 1)
	c, _, _ = adopted(t, "w", "sh", "sleep 1000", 0)
	conn, c.ServerUID = c.sent.Conn, &other
	want(t, c.Start(), ErrUnreachable, true)
	if conn.Quiet() {
		t.Error("the connection is open")
	}
}
