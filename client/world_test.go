package client

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testbin.Main(m)) }

// world is a folder with the sockets of workers.
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

// starter gives a rig.Starter that logs into files beside the sockets.
func (w *world) starter() rig.Starter { return rig.Starter{Folder: w.dir} }

// serve starts a worker with a name. Without an --exports in args it serves all
// commands.
func (w *world) serve(name string, args ...string) *rig.Process {
	w.t.Helper()
	args = append([]string{"--drain", "0", "--grace", "1s"}, args...)
	if !slices.Contains(args, "--exports") {
		args = append(args, "--all-commands")
	}
	worker := testbin.Serve(w.t, w.starter(), w.socket(name), args...)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the worker %s:\n%s", name, worker.Log())
		}
	})
	return worker
}

// bridge starts a bridge called name to the worker to.
func (w *world) bridge(name, to string) *rig.Bridge {
	w.t.Helper()
	return testbin.Bridge(w.t, w.starter(), w.socket(name), w.socket(to))
}

func (w *world) socket(name string) string { return filepath.Join(w.dir, name+".sock") }

// each runs a test with a worker directly, and again over a bridge. Both must
// behave alike, except where the test looks at bridged.
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

// want checks the outcome of an error, and whether it says that the procedure
// was started.
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

// begin starts a call and returns its stdout.
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

// freeze stops a process by SIGSTOP, and waits until it has stopped.
func freeze(t *testing.T, p *rig.Process) {
	t.Helper()
	p.Signal(syscall.SIGSTOP)
	t.Cleanup(func() { p.Signal(syscall.SIGCONT) })
	if !testkit.Eventually(t, "the process stops", func() bool { return proc.State(p.PID()) == 'T' }) {
		t.FailNow()
	}
}
