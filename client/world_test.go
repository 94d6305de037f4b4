package client

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testbin.Main(m)) }

// world is a folder of workers.
type world struct {
	t   *testing.T
	dir string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := testkit.Folder(t)
	t.Setenv("RPC_DIR", dir)
	return &world{t, dir}
}

// background starts a process that ends with the test.
func (w *world) background(path string, args ...string) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(path, args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if cmd.ProcessState == nil {
			_ = cmd.Wait()
		}
		if w.t.Failed() {
			w.t.Logf("%s:\n%s", filepath.Base(path), &log)
		}
	})
	return cmd
}

// serve starts a worker under a name, for every command unless args say more.
func (w *world) serve(name string, args ...string) *exec.Cmd {
	w.t.Helper()
	args = append([]string{"serve", "--listen", filepath.Join(w.dir, name+".sock"), "--drain", "0", "--grace", "1s"}, args...)
	if !strings.Contains(strings.Join(args, " "), "--exports") {
		args = append(args, "--all-commands")
	}
	cmd := w.background(filepath.Join(testbin.Dir(w.t), "rpcd"), args...)
	w.appears(name)
	return cmd
}

// bridge reaches a worker under another name, by bytes only.
func (w *world) bridge(name, to string) *exec.Cmd {
	w.t.Helper()
	testkit.Need(w.t, "socat")
	cmd := w.background("socat", "UNIX-LISTEN:"+filepath.Join(w.dir, name+".sock")+",fork", "UNIX-CONNECT:"+filepath.Join(w.dir, to+".sock"))
	w.appears(name)
	return cmd
}

func (w *world) appears(name string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name+".sock")
	testkit.Eventually(w.t, path+" appears", func() bool {
		infos, err := Ping(w.t.Context(), path, time.Second)
		return err == nil && len(infos) == 1
	})
}

// each runs a test on a worker that is reached directly and over a bridge:
// both have to behave the same, but where the test looks at bridged.
func each(t *testing.T, f func(t *testing.T, worker string, bridged bool), args ...string) {
	t.Helper()
	t.Run("direct", func(t *testing.T) {
		newWorld(t).serve("w", args...)
		testkit.Within(t, "the test", func() { f(t, "w", false) })
	})
	t.Run("bridged", func(t *testing.T) {
		w := newWorld(t)
		w.serve("w", args...)
		w.bridge("b", "w")
		testkit.Within(t, "the test", func() { f(t, "b", true) })
	})
}

func sh(worker, script string) *Cmd { return Command(worker, "sh", "-c", script) }

// want checks an error against a sentinel, and what it says of the start.
func want(t *testing.T, err error, outcome Outcome, started bool) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, outcome) || e.Outcome != outcome {
		t.Errorf("%v, want %q", err, outcome)
		return
	}
	if e.Started != started {
		t.Errorf("%v: started %v, want %v", err, e.Started, started)
	}
	if e.Text == "" || strings.Contains(e.Text, "\n") || e.Worker == "" {
		t.Errorf("%+v: not one line that names the worker", e)
	}
}

// begin starts a call and gives its stdout.
func begin(t *testing.T, c *Cmd) io.Reader {
	t.Helper()
	r, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Errorf("start: %v", err)
		return strings.NewReader("0\n0\n0\n")
	}
	return r
}

// freeze stops a process, and waits until it has stopped.
func freeze(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Signal(syscall.SIGCONT) })
	if !testkit.Eventually(t, "the process stops", func() bool { return proc.State(p.Pid) == 'T' }) {
		t.FailNow()
	}
}
