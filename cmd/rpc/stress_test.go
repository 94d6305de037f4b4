package main_test

import (
	"bytes"
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"rpcd/internal/testkit"
)

var manyCalls = flag.Int("many.calls", 2000, "how many calls TestManyCalls makes one after the other")

// TestManyCalls makes calls one after the other, and 200 at once. Each gets its own
// answer, and rpcd holds nothing of them afterwards. For more of them:
//
//	go test ./cmd/rpc -run TestManyCalls -args -many.calls 10000
//
// fault: 32 90 kubernetes-1000-calls moby-state nailgun-bytes
func TestManyCalls(t *testing.T) {
	many, together := *manyCalls, 200
	if testing.Short() {
		many, together = 500, 50
	}
	w := startWorld(t, "passed")
	call := func(i int, pass string) error {
		want := fmt.Sprintf("call %d of %s", i, pass)
		cmd := w.rpc("--pass", pass, w.socket, "sh", "-c", `read -r a; echo "$a"; echo "$1" >&2; exit $(($2 % 256))`, "sh", want, fmt.Sprint(i))
		cmd.Stdin = strings.NewReader(want + "\n")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != i%256 || stdout.String() != want+"\n" || stderr.String() != want+"\n" {
			return fmt.Errorf("call %d: status %d, %q, %q", i, got, stdout.String(), stderr.String())
		}
		return nil
	}
	atOnce := func() {
		var all sync.WaitGroup
		for i := range together {
			all.Go(func() {
				if err := call(i, []string{"all", "none"}[i%2]); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	atOnce() // so that rpcd has its threads and buffers before the first look
	before := w.idle(t)
	for i := range many {
		if err := call(i, []string{"all", "none"}[i%2]); err != nil {
			t.Fatalf("%v\nrpcd says:\n%s", err, shorten(w.log()))
		}
	}
	atOnce()
	w.restored(t, before)
	after := w.idle(t)
	t.Logf("before %+v, after %+v", before, after)
	if after.Threads > before.Threads+8 {
		t.Errorf("rpcd has %d threads, had %d", after.Threads, before.Threads)
	}
	if after.RSS > before.RSS*3/2+4096 {
		t.Errorf("rpcd has %d KiB, had %d", after.RSS, before.RSS)
	}
	out, err := w.rpc("ls", "--json", w.socket).Output()
	if err != nil || !strings.Contains(string(out), `"running": 0`) || !strings.Contains(string(out), `"lost": 0`) {
		t.Errorf("rpc ls: %v\n%s", err, out)
	}
	if n := bytes.Count(out, []byte(fmt.Sprintf(`"calls": %d`, many+2*together))); n != 1 {
		t.Errorf("rpcd doesn't count %d calls:\n%s", many+2*together, out)
	}
}

// TestManyAtOnceOverABridge makes 200 calls at once over socat, with the same
// result.
// fault: 32
func TestManyAtOnceOverABridge(t *testing.T) {
	testkit.Need(t, "socat")
	w := startWorld(t, "bridge")
	before := w.idle(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			out, err := exec.Command(w.rpc().Path, "--wait", "30s", "-C", "/", w.socket, "sh", "-c", "sleep 0.5; echo $1", "sh", fmt.Sprint(i)).CombinedOutput()
			if err != nil || string(out) != fmt.Sprintln(i) {
				t.Errorf("call %d: %v, %q", i, err, out)
			}
		})
	}
	all.Wait()
	w.restored(t, before)
}
