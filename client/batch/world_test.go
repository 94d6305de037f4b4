package batch

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testbin.Main(m)) }

// world is a pool p of replicas, which export some commands and a resident worker.
type world struct {
	t   *testing.T
	dir string
}

func newWorld(t *testing.T, replicas ...string) (*world, []*rig.Process) {
	t.Helper()
	w := &world{t, testkit.Folder(t)}
	t.Setenv("RPC_DIR", w.dir)
	if err := os.Mkdir(w.dir+"/p", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := rig.Export(w.dir+"/ex", "sh", "cat", "true", "echo"); err != nil {
		t.Fatal(err)
	}
	var all []*rig.Process
	for _, name := range replicas {
		all = append(all, w.serve(name))
	}
	return w, all
}

// serve starts a replica.
func (w *world) serve(name string, args ...string) *rig.Process {
	w.t.Helper()
	args = append([]string{"--drain", "0", "--grace", "1s", "--exports", w.dir + "/ex"}, args...)
	p := testbin.Serve(w.t, rig.Starter{Folder: w.dir}, w.socket(name), args...)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the replica %s:\n%s", name, p.Log())
		}
	})
	return p
}

func (w *world) socket(name string) string { return filepath.Join(w.dir, "p", name+".sock") }

// resident exports the resident worker of rpcd/resident as w, so many of it.
func (w *world) resident(workers string) {
	w.t.Helper()
	folder := w.dir + "/ex/w"
	err := os.Mkdir(folder, 0o755)
	if err == nil {
		err = os.WriteFile(folder+"/workers", []byte(workers+"\n"), 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", folder+"/run", "rpcd/rpcd/resident/testdata/worker").CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
}

// outcome is all that a Map gave.
type outcome struct {
	stdout, stderr string
	said           []string // what was complained of
	sum            Summary
	err            error
}

// locked is a buffer that may be looked at while it is written.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a Map of the pool, with its streams unless it has its own. The function
// waits for the end.
func start(ctx context.Context, t *testing.T, m *Map, in string) func() outcome {
	t.Helper()
	var stdout, stderr locked
	var o outcome
	if m.Worker == "" {
		m.Worker = "p"
	}
	if m.Stdin == nil {
		m.Stdin = strings.NewReader(in)
	}
	if m.Stdout == nil {
		m.Stdout = &stdout
	}
	if m.Dir == "" {
		m.Dir = "/"
	}
	m.Stderr = &stderr
	m.Complain = func(err error) { o.said = append(o.said, err.Error()) }
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.sum, o.err = m.Run(ctx)
	}()
	return func() outcome {
		t.Helper()
		testkit.Within(t, "the map", func() { <-done })
		o.stdout, o.stderr = stdout.String(), stderr.String()
		return o
	}
}

// do runs a Map to its end.
func do(t *testing.T, m *Map, in string) outcome {
	t.Helper()
	return start(t.Context(), t, m, in)()
}

// want checks an outcome. err is a part of its error, or "".
func (o outcome) want(t *testing.T, stdout string, done, failed uint64, err string) {
	t.Helper()
	text := ""
	if o.err != nil {
		text = o.err.Error()
	}
	if o.stdout != stdout || o.sum != (Summary{done, failed}) || !strings.Contains(text, err) || (err == "") != (text == "") {
		t.Errorf("%+v: %.300q, %v; want %d done, %d failed, %.300q, %s", o.sum, o.stdout, o.err, done, failed, stdout, err)
	}
}

// sh is a Map over the words of a shell, whose $1 is the record.
func sh(script string, args ...string) *Map {
	if len(args) == 0 {
		args = []string{"{}"}
	}
	return &Map{Procedure: "sh", Args: append([]string{"-c", script, "sh"}, args...), Retries: 1}
}

// lines gives the numbers from 1 to n, a line each.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(number.of(nil, uint64(i+1)) + "\n")
	}
	return b.String()
}
