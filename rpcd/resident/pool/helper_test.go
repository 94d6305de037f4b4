package pool

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/run"
)

// TestMain is that of the tests, and of the workers that they start.
func TestMain(m *testing.M) {
	if os.Getenv("RPC_RESIDENT_FD") != "" {
		os.Exit(work(os.Args[1]))
	}
	if err := child.Setup(); err != nil {
		panic(err)
	}
	code := m.Run()
	// What child.Setup started lives as long as this process.
	if err := goleak.Find(goleak.IgnoreTopFunction("rpcd/rpcd/child.Setup.func1"), goleak.IgnoreTopFunction("os/signal.signal_recv"), goleak.IgnoreTopFunction("time.Sleep")); code == 0 && err != nil {
		fmt.Println("goroutines are left:", err)
		code = 1
	}
	os.Exit(code)
}

// notes is a log that tests look into.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) Info(text string, words ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, text+" "+fmt.Sprint(words...))
}

func (n *notes) Warn(text string, words ...any) { n.Info("WARN "+text, words...) }

// count says how many lines hold all words.
func (n *notes) count(words ...string) (lines int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, line := range n.list {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			lines++
		}
	}
	return lines
}

// world is the pools of a test, with one procedure in them.
type world struct {
	*Pools
	t     *testing.T
	log   *notes
	rules *export.Procedure
}

// start makes workers that behave in that way.
func start(t *testing.T, behaviour string, workers int, edit ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, log: &notes{}, rules: &export.Procedure{Name: "p", Path: os.Args[0], Args: []string{behaviour}, Workers: workers}}
	w.Pools = &Pools{Config: Config{Times: Times{Pause: time.Millisecond, MostPause: 4 * time.Millisecond}, Grace: testkit.Limit}}
	for _, f := range edit {
		f(w)
	}
	changed := make(chan struct{}, 1)
	w.Config.Worker, w.Config.Environ, w.Config.Log = "hugin", os.Environ, w.log
	w.Config.Changed = func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	w.Pools = New(w.Config)
	t.Cleanup(func() {
		w.Drain()
		w.Close()
		testkit.Within(t, "the end of all workers", func() {
			for w.Leftovers() > 0 {
				<-changed
			}
		})
	})
	w.For(w.rules)
	return w
}

func grace(d time.Duration) func(*world) { return func(w *world) { w.Config.Grace = d } }
func times(s Times) func(*world)         { return func(w *world) { w.Config.Times = s } }
func rules(f func(*export.Procedure)) func(*world) {
	return func(w *world) { f(w.rules) }
}

// running is a call on a worker.
type running struct {
	run.Process
	t   *testing.T
	out *os.File // what it writes to stdout
}

var ids = struct {
	sync.Mutex
	last int
}{}

// begin begins a call that waits for a worker as long as it takes.
func (w *world) begin(args ...string) *running {
	w.t.Helper()
	c, err := w.try(w.t.Context(), testkit.Limit, args...)
	if err != nil {
		w.t.Fatalf("%q: %v", args, err)
	}
	return c
}

// try begins a call.
func (w *world) try(ctx context.Context, wait time.Duration, args ...string) (*running, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	dir, err := os.Open("/")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	ids.Lock()
	ids.last++
	id := ids.last
	ids.Unlock()
	p, err := w.For(w.rules).Start(ctx, run.Job{
		Argv: append([]string{"p", w.rules.Args[0]}, args...), Env: []string{fmt.Sprintf("RPC_CALL_ID=%d", id), "PWD=/"}, Umask: 0o27,
		Dir: int(dir.Fd()), Files: []int{int(null.Fd()), int(in.Fd()), int(null.Fd())}, Wait: wait,
	})
	if err != nil {
		out.Close()
		return nil, err
	}
	return &running{Process: p, t: w.t, out: out}, nil
}

// end waits for the call's end.
func (c *running) end() (status run.Status, stdout string) {
	c.t.Helper()
	testkit.Within(c.t, "the call's end", func() {
		text, err := io.ReadAll(c.out)
		c.out.Close()
		if err != nil {
			c.t.Error(err)
		}
		stdout = string(text)
		if status, err = c.Wait(); err != nil {
			c.t.Error(err)
		}
	})
	return status, stdout
}

// line takes a line of the call's stdout.
func (c *running) line() string {
	c.t.Helper()
	return testkit.Line(c.t, c.out)
}

// ask makes a call, which exits with 0, and gives its stdout.
func (w *world) ask(args ...string) string {
	w.t.Helper()
	status, out := w.begin(args...).end()
	if status.Wait != 0 || status.Crash != "" {
		w.t.Fatalf("%q: %+v", args, status)
	}
	return out
}

// wantCrash checks that a call has crashed, with those words.
func (w *world) wantCrash(c *running, words ...string) {
	w.t.Helper()
	status, _ := c.end()
	if status.Wait != 125<<8 {
		w.t.Errorf("status %+v, want a crash", status)
	}
	for _, word := range words {
		if !strings.Contains(status.Crash, word) {
			w.t.Errorf("%q says nothing of %q", status.Crash, word)
		}
	}
}

// descriptors counts this process's.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// waiting is how many calls wait for a worker.
func (s *Pools) waiting(name string) int {
	s.mu.Lock()
	p := s.pools[name]
	s.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiters)
}

// isSignal says whether a status is death by a signal.
func isSignal(status run.Status, sig syscall.Signal) bool {
	s := unix.WaitStatus(status.Wait)
	return status.Crash == "" && s.Signaled() && s.Signal() == sig
}
