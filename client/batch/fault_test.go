package batch

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rpcd/client"
	"rpcd/internal/rig"
	"rpcd/internal/testkit"
)

// appears waits for a file.
func (w *world) appears(name string) {
	w.t.Helper()
	testkit.Eventually(w.t, name, func() bool { _, err := os.Stat(w.dir + "/" + name); return err == nil })
}

func (w *world) read(name string) string {
	text, err := os.ReadFile(w.dir + "/" + name)
	if err != nil && !os.IsNotExist(err) {
		w.t.Error(err)
	}
	return string(text)
}

// A replica that is killed, and one whose procedures are: no record is lost, none that
// has a status runs again, and the order is that of the records.
//
// fault: 168
func TestKilledReplica(t *testing.T) {
	w, replicas := newWorld(t, "a", "b", "c")
	const n = 300
	m := sh(`echo $1 >>begun; echo $1; echo $1 >>ended; [ $1 != 100 ] || : >middle; sleep 0.0$(($1 % 3))`)
	m.Jobs, m.Dir = 6, w.dir
	wait := start(t.Context(), t, m, lines(n))
	w.appears("middle")
	replicas[1].Signal(syscall.SIGKILL)
	wait().want(t, lines(n), n, 0, "")
	begun := strings.Fields(w.read("begun"))
	times := map[string]int{}
	for _, record := range begun {
		times[record]++
	}
	if len(times) != n || len(begun) > n+m.Jobs {
		t.Errorf("%d records were begun %d times", len(times), len(begun))
	}
	for record, n := range times {
		if n > 2 {
			t.Errorf("record %s was begun %d times", record, n)
		}
	}
}

// A resident worker that breaks off takes one record with it, which runs again. A
// record that ends its worker each time fails, and no other does.
//
// fault: 169
func TestCrash(t *testing.T) {
	w, _ := newWorld(t)
	w.resident("2")
	w.serve("a")
	w.serve("b")
	o := do(t, &Map{Procedure: "w", Args: []string{"{}"}, Retries: 1}, "pid\npid\ncrash\npid\n")
	if o.sum != (Summary{4, 1}) || o.err != nil || len(o.said) != 1 || !strings.Contains(o.said[0], "record 3: p lost its resident worker") || strings.Count(o.stdout, "\n") != 3 {
		t.Errorf("%+v", o)
	}
}

// Of four resident workers one is killed, and then a replica with two of them.
//
// fault: 169
func TestKilledResidentWorkers(t *testing.T) {
	w, _ := newWorld(t)
	w.resident("2")
	replicas := []*rig.Process{w.serve("a"), w.serve("b")}
	ask := client.Command(w.socket("a"), "w", "pid")
	ask.Dir = "/"
	answer, err := ask.Output()
	pid, nan := strconv.Atoi(strings.TrimSpace(string(answer)))
	if err != nil || nan != nil {
		t.Fatalf("%q, %v", answer, err)
	}
	const n = 4000
	r, out := io.Pipe()
	wait := start(t.Context(), t, &Map{Procedure: "w", Args: []string{"say", "{}"}, Retries: 1, Stdout: out}, lines(n))
	in := bufio.NewReader(r)
	for i := range n {
		if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintln(i+1) {
			t.Fatalf("%q, %v, want %d", line, err, i+1)
		}
		switch i {
		case 500:
			_ = syscall.Kill(pid, syscall.SIGKILL)
		case 2000:
			replicas[1].Signal(syscall.SIGKILL)
		}
	}
	if o := wait(); o.err != nil || o.sum != (Summary{n, 0}) {
		t.Errorf("%+v", o)
	}
}

// With no retries a record that is lost fails, and with one it runs again once. What
// ran to a status never does.
func TestRetries(t *testing.T) {
	for retries, want := range []string{"x", "xx", "xxx"} {
		w, _ := newWorld(t, "a", "b")
		m := sh(`printf x >>tries; kill -9 $PPID; sleep 600`) // its rpcd
		m.Retries, m.Dir, m.Jobs = retries, w.dir, 1
		if retries == 2 {
			w.serve("c")
		}
		o := do(t, m, "1\n")
		if o.sum != (Summary{1, 1}) || o.err != nil || len(o.said) != 1 || !strings.Contains(o.said[0], "record 1: lost the connection to p") {
			if retries == 1 || retries == 0 || retries == 2 {
				t.Errorf("%d retries: %+v", retries, o)
			}
		}
		if got := w.read("tries"); got != want {
			t.Errorf("%d retries: %q", retries, got)
		}
	}
	w, _ := newWorld(t, "a")
	m := sh(`printf x >>tries; exit 125`)
	m.Dir = w.dir
	if do(t, m, "1\n").want(t, "", 1, 1, ""); w.read("tries") != "x" {
		t.Error(w.read("tries"))
	}
}

// A replica that comes while the map runs gets calls.
func TestNewReplica(t *testing.T) {
	w, _ := newWorld(t, "a")
	m := sh(`echo $RPC_WORKER; [ $RPC_WORKER = b ] && : >new; : >up; until [ -e new ]; do sleep 0.01; done`)
	m.Dir, m.Unordered = w.dir, true
	wait := start(t.Context(), t, m, lines(200))
	w.appears("up")
	w.serve("b")
	if o := wait(); o.err != nil || o.sum.Done != 200 || !strings.Contains(o.stdout, "b\n") {
		t.Errorf("%+v", o)
	}
}

// When all are gone the map ends, and with Wait it goes on once one is back.
//
// fault: 170
func TestAllGone(t *testing.T) {
	w, replicas := newWorld(t, "a")
	m := sh(`echo $1; [ $1 != 3 ] || { : >up; [ -e back ] || exec sleep 600; }`)
	m.Dir, m.Jobs = w.dir, 1
	wait := start(t.Context(), t, m, lines(5))
	w.appears("up")
	replicas[0].Signal(syscall.SIGKILL)
	wait().want(t, "1\n2\n", 2, 0, "cannot reach p")

	os.Remove(w.dir + "/up")
	a := w.serve("a")
	m = sh(`echo $1; [ $1 != 3 ] || { : >up; [ -e back ] || exec sleep 600; }`)
	m.Dir, m.Jobs, m.Wait = w.dir, 1, testkit.Limit
	wait = start(t.Context(), t, m, lines(5))
	w.appears("up")
	if err := os.WriteFile(w.dir+"/back", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a.Signal(syscall.SIGKILL)
	w.serve("a")
	wait().want(t, lines(5), 5, 0, "")
}

// A full replica passes a record on, and a full pool is waited for while calls of the
// map run.
//
// fault: 175
func TestFull(t *testing.T) {
	w, _ := newWorld(t)
	w.serve("a", "--max-calls", "1", "--queue", "0")
	w.serve("b", "--max-calls", "2", "--queue", "0")
	m := sh(`echo $1; sleep 0.02`)
	m.Jobs = 7
	do(t, m, lines(40)).want(t, lines(40), 40, 0, "")
	// Somebody else has all of it.
	for range 3 {
		hold := client.Command("p", "sh", "-c", "exec sleep 600")
		hold.Dir = "/"
		if err := hold.Start(); err != nil {
			t.Fatal(err)
		}
		defer hold.Wait()
		defer hold.Kill()
	}
	do(t, sh("echo"), lines(2)).want(t, "", 0, 0, "p is busy")
}
