package client

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

// sockets gives the inodes of the sockets that a process holds. Each connection
// has another inode.
func sockets(t *testing.T, pid int) (inodes []string) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(links) == 0 {
		t.Fatalf("no descriptors: %v", err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:") {
			inodes = append(inodes, to)
		}
	}
	slices.Sort(inodes)
	return inodes
}

// settled waits until the worker holds the given number of sockets besides those that
// it holds without a connection, and returns these sockets.
func settled(t *testing.T, pid int, idle []string, connections int) (more []string) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("the worker has %d connections", connections), func() bool {
		more = slices.DeleteFunc(sockets(t, pid), func(s string) bool { return slices.Contains(idle, s) })
		return len(more) == connections
	})
	return more
}

func TestConnectionCarriesManyCalls(t *testing.T) {
	rpcd := newWorld(t).serve("w")
	idle := sockets(t, rpcd.PID())
	var kept Connections
	defer kept.Close()
	call := func(words ...string) (string, error) {
		c := Command("w", words[0], words[1:]...)
		c.Connections = &kept
		out, err := c.Output()
		return string(out), err
	}
	if _, err := call("true"); err != nil {
		t.Fatal(err)
	}
	first := settled(t, rpcd.PID(), idle, 1)
	for i := range 100 {
		if out, err := call("echo", fmt.Sprint(i)); err != nil || out != fmt.Sprintln(i) {
			t.Fatalf("call %d: %q, %v", i, out, err)
		}
	}
	// The connection stays usable after a procedure that failed, and after a
	// refusal.
	if _, err := call("false"); err == nil {
		t.Error("false succeeded")
	}
	_, err := call("nosuchcommand")
	want(t, err, ErrUnknown, false)
	_, err = call("true", strings.Repeat("x", 200_000))
	want(t, err, ErrTooLong, false)
	if _, err := call("true"); err != nil {
		t.Error(err)
	}
	if last := settled(t, rpcd.PID(), idle, 1); !slices.Equal(last, first) {
		t.Errorf("the worker's sockets are %v, and were %v", last, first)
	}
	kept.Close()
	settled(t, rpcd.PID(), idle, 0)
}

// If the worker restarts between two calls, the second call makes a new
// connection and succeeds.
func TestConnectionsOfAWorkerThatRestarts(t *testing.T) {
	w := newWorld(t)
	var kept Connections
	defer kept.Close()
	for range 3 {
		rpcd := w.serve("w")
		for range 2 {
			c := Command("w", "true")
			c.Connections = &kept
			if err := c.Run(); err != nil {
				t.Error(err)
			}
		}
		if n := kept.kept.Len(); n != 1 {
			t.Errorf("%d connections are kept", n)
		}
		rpcd.Stop()
	}
}

// Calls at the same time use different connections, with relayed streams too.
// They leave no descriptor open.
func TestConnectionsSideBySide(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		if err := Command(worker, "true").Run(); err != nil { // lets Go's poller open its descriptors
			t.Fatal(err)
		}
		before, err := proc.Look(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		var kept Connections
		var all sync.WaitGroup
		for caller := range 8 {
			all.Go(func() {
				for i := range 10 {
					text := strings.Repeat(fmt.Sprintf("%d %d\n", caller, i), 10_000)
					c := Command(worker, "cat")
					c.Connections, c.Stdin = &kept, strings.NewReader(text)
					if i%2 == 0 {
						c.Pass = PassNone
					}
					if out, err := c.Output(); err != nil || string(out) != text {
						t.Errorf("call %d of caller %d: %d bytes, %v", i, caller, len(out), err)
					}
				}
			})
		}
		all.Wait()
		if n := kept.kept.Len(); n < 1 || n > 8 {
			t.Errorf("%d connections are kept", n)
		}
		kept.Close()
		testkit.Eventually(t, "all descriptors are closed", func() bool {
			now, err := proc.Look(os.Getpid())
			return err == nil && now.Descriptors <= before.Descriptors
		})
	})
}

// A signal to a call that is just ending never reaches the next call on the same
// connection.
func TestConnectionsWithSignalsAtTheEnd(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		var kept Connections
		defer kept.Close()
		var signals sync.WaitGroup
		defer signals.Wait()
		for i := range 50 {
			c := sh(worker, "trap '' USR1; echo ready")
			c.Connections, c.Pass = &kept, PassNone
			testkit.Line(t, begin(t, c))
			over := make(chan struct{})
			signals.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
						_ = c.Signal(syscall.SIGUSR1)
					}
				}
			})
			err := c.Wait()
			go close(over) // late, so that signals still come while the next call begins
			if err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
	})
}

// A connection isn't used again after a denied call, since the worker may close
// it.
func TestConnectionOfADeniedCall(t *testing.T) {
	w := newWorld(t)
	exports := withSecret(t, "true")
	w.serve("w", "--exports", exports)
	var kept Connections
	defer kept.Close()
	call := func(name string) error {
		c := Command("w", name)
		c.Connections = &kept
		return c.Run()
	}
	if err := call("true"); err != nil || kept.kept.Len() != 1 {
		t.Errorf("%v, %d connections are kept", err, kept.kept.Len())
	}
	want(t, call("secret"), ErrDenied, false)
	if n := kept.kept.Len(); n != 0 {
		t.Errorf("%d connections are kept after a denied call", n)
	}
}

// A Conn stays with its replica and its connection. After the worker's restart it
// dials again, and once it is closed nothing is kept.
func TestConn(t *testing.T) {
	world := newWorld(t)
	rpcd := world.serve("w")
	idle := sockets(t, rpcd.PID())
	conn, err := Dial(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Command("true").Run(); err != nil { // the worker has accepted it then
		t.Fatal(err)
	}
	first := settled(t, rpcd.PID(), idle, 1)
	for i := range 100 {
		if out, err := conn.Command("echo", fmt.Sprint(i)).Output(); err != nil || string(out) != fmt.Sprintln(i) {
			t.Fatalf("call %d: %q, %v", i, out, err)
		}
	}
	if last := settled(t, rpcd.PID(), idle, 1); !slices.Equal(last, first) {
		t.Errorf("the worker's sockets are %v, and were %v", last, first)
	}
	_, err = conn.Command("nosuchcommand").Output()
	want(t, err, ErrUnknown, false)
	rpcd.Stop()
	_, err = conn.Command("true").Output()
	want(t, err, ErrUnreachable, false)
	again := world.serve("w")
	idle = sockets(t, again.PID())
	if _, err := conn.Command("true").Output(); err != nil {
		t.Error(err)
	}
	conn.Close()
	settled(t, again.PID(), idle, 0)
	if _, err := Dial(t.Context(), "nobody"); err == nil {
		t.Error("a worker that isn't there is dialed")
	}
}
