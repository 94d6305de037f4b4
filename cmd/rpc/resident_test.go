package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// residents builds or finds the resident workers of these tests, by language.
func residents(t *testing.T) map[string]string {
	t.Helper()
	python, err := filepath.Abs("testdata/resident.py")
	if err != nil {
		t.Fatal(err)
	}
	folder := testkit.Folder(t)
	text, err := os.ReadFile(python)
	if err == nil { // a copy, which nobody else may write
		err = os.WriteFile(folder+"/python", text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", folder+"/go", "rpcd/rpcd/resident/testdata/worker")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return map[string]string{"python": folder + "/python", "go": folder + "/go"}
}

const residentsWant = `# as a process: arguments, streams, status, directory, umask, variables
a||b c
in
1000000
7
600
1
126
one
two
# descriptors beyond 2, and one too many
by number
125
rpc: W can't pass more than 252 descriptors to a resident worker
# ends: a signal, a limit, kill, a caller that has left
130
124
143
free|again
# one that never answers is killed and replaced, a crash fails its call alone
124
125
rpc: W lost its resident worker in the middle of the call: it ended by SIGKILL
["lost",true,"crash"]
125
rpc: W lost its resident worker in the middle of the call: it ended by SIGKILL
125
rpc: W lost its resident worker in the middle of the call: it ended by SIGKILL
and|again
# what ls says
resident  1/1 warm, 0 busy, 4 restarts
["resident",1,1,0,4,""]
# 16 callers
# gone with its entry
127
`

// TestResident calls resident procedures as any other, directly, with relayed
// streams and over a bridge, with the entry and without: a worker in Go that serves in its own process, with
// package resident, and one in Python that forks, written from PROTOCOL.md alone.
// fault: 157
func TestResident(t *testing.T) {
	testkit.Need(t, "python3", "jq")
	script, err := os.ReadFile("testdata/resident.sh")
	if err != nil {
		t.Fatal(err)
	}
	for language, program := range residents(t) {
		for _, transport := range []string{"passed", "none", "bridge"} {
			t.Run(language+"/"+transport, func(t *testing.T) {
				if transport == "bridge" {
					testkit.Need(t, "socat")
				}
				w := startWorld(t, transport)
				before := w.idle(t)
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				defer cancel()
				cmd := w.bash(ctx, string(script))
				cmd.Env = append(cmd.Env, "RESIDENT="+program)
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				if err != nil || w.plain(string(out)) != residentsWant {
					t.Errorf("%v\n%s\nrpcd says:\n%s", err, w.plain(string(out)), w.log())
				}
				w.restored(t, before)
			})
		}
	}
}

// TestResidentCrowd makes 1,000 calls of 16 callers on 2 resident workers, of which
// one caller is interrupted. The others get their own answers. rpcd holds nothing of
// them afterwards, and has as many processes as before.
// fault: 156
func TestResidentCrowd(t *testing.T) {
	testkit.Need(t, "python3")
	w := startWorld(t, "passed")
	if err := os.Mkdir(w.dir+"/ex/r", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.dir+"/ex/r/workers", []byte("2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(residents(t)["go"], w.dir+"/ex/r/run"); err != nil {
		t.Fatal(err)
	}
	crowd := func(calls int) {
		var all sync.WaitGroup
		for caller := range 16 {
			all.Go(func() {
				for i := range calls / 16 {
					pass, want := []string{"all", "none"}[i%2], fmt.Sprintf("%d of %d", i, caller)
					out, err := w.rpc("--pass", pass, w.socket, "r", "say", want).Output()
					if err != nil || string(out) != want+"\n" {
						t.Errorf("%q: %q, %v", want, out, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	crowd(160) // so that rpcd has its threads and buffers before the first look
	before := w.idle(t)
	waits := w.rpc(w.socket, "r", "wait")
	up, err := waits.StderrPipe()
	if err == nil {
		err = waits.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	testkit.Line(t, up)
	time.AfterFunc(time.Second, func() { _ = waits.Process.Signal(syscall.SIGINT) })
	crowd(1000)
	if err := waits.Wait(); err == nil || !strings.Contains(err.Error(), "interrupt") {
		t.Errorf("the call that was interrupted: %v", err)
	}
	testkit.Eventually(t, "descriptors and processes are as before", func() bool { // helpers rest after a second
		now := w.idle(t)
		return now.Descriptors <= before.Descriptors && now.Children <= before.Children
	})
	after := w.idle(t)
	t.Logf("before %+v, after %+v", before, after)
	if after.Children > before.Children || after.RSS > before.RSS*3/2+4096 || after.Threads > before.Threads+8 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}
