package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// full gives a world in which n calls take all places until free is called.
func full(t *testing.T, n int, flags ...string) (w *world, free func()) {
	t.Helper()
	w = startWorld(t, "passed", append([]string{"--max-calls", strconv.Itoa(n)}, flags...)...)
	r, gate, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gate.Close() })
	defer r.Close()
	for range n {
		cmd := w.rpc(w.socket, "cat")
		cmd.Stdin = r
		w.begin(t, cmd)
	}
	w.load(t, n, 0)
	return w, func() { gate.Close() }
}

// begin starts a caller. It is killed at the test's end.
func (w *world) begin(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// load waits until the given numbers of calls run and wait.
func (w *world) load(t *testing.T, running, waiting int) {
	t.Helper()
	want := fmt.Sprintf(" %d running, %d waiting\n", running, waiting)
	var out []byte
	if !testkit.Eventually(t, strings.TrimSpace(want), func() bool {
		out, _ = w.rpc("ping", w.socket).Output()
		return bytes.HasSuffix(out, []byte(want))
	}) {
		t.Fatalf("rpcd says: %s", out)
	}
}

// ran gives the words that calls wrote into a file.
func (w *world) ran(name string) []string {
	b, _ := os.ReadFile(filepath.Join(w.dir, "cwd", name))
	return strings.Fields(string(b))
}

// TestQueueOf200: 200 waiting calls on 4 places start in the order in which
// they came. When a call starts, at most 3 earlier ones still run, so at most 3
// may write after it.
// fault: 77
func TestQueueOf200(t *testing.T) {
	const places, calls = 4, 200
	w, free := full(t, places)
	var waiting []*exec.Cmd
	for i := range calls {
		cmd := w.rpc(w.socket, "sh", "-c", "echo $0 >>order", strconv.Itoa(i))
		w.begin(t, cmd)
		waiting = append(waiting, cmd)
		w.load(t, places, i+1)
	}
	free()
	for i, cmd := range waiting {
		if err := cmd.Wait(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	order := w.ran("order")
	if len(order) != calls {
		t.Fatalf("%d calls ran, not %d", len(order), calls)
	}
	var came []int
	for at, word := range order {
		i, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		if late := i - (at - larger(came, i)); late >= places {
			t.Errorf("call %d ran before %d others that came before it: %v", i, late, order)
		}
		came = append(came, i)
	}
	w.load(t, 0, 0)
}

// larger counts the numbers that are greater than i.
func larger(numbers []int, i int) (n int) {
	for _, x := range numbers {
		if x > i {
			n++
		}
	}
	return n
}

// TestQueueIsLeft: 100 callers wait and are killed, and no call of theirs starts.
// While they wait, the 101st caller is refused as busy at once.
// fault: 77 78
func TestQueueIsLeft(t *testing.T) {
	const queue = 100
	w, free := full(t, 1, "--queue", strconv.Itoa(queue))
	var waiting []*exec.Cmd
	for i := range queue {
		cmd := w.rpc(w.socket, "touch", fmt.Sprintf("ran%d", i))
		w.begin(t, cmd)
		waiting = append(waiting, cmd)
	}
	w.load(t, 1, queue)
	var took []time.Duration
	for range 10 {
		began := time.Now()
		out, _ := w.rpc(w.socket, "touch", "busy").CombinedOutput()
		took = append(took, time.Since(began).Round(time.Millisecond/10))
		if want := fmt.Sprintf("rpc: %s is busy: 1 running (1 cat), %d waiting\n", w.socket, queue); string(out) != want {
			t.Fatalf("the %dst says %q, not %q", queue+1, out, want)
		}
	}
	t.Logf("refused as busy within %v", took)
	for i, cmd := range waiting {
		if err := cmd.Process.Signal([]os.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT}[i%3]); err != nil {
			t.Error(err)
		}
	}
	w.load(t, 1, 0)
	free()
	w.load(t, 0, 0)
	if out, err := w.rpc(w.socket, "true").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if ran, _ := filepath.Glob(w.dir + "/cwd/*"); len(ran) > 0 {
		t.Errorf("these ran: %v", ran)
	}
}
