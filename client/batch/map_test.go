package batch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rpcd/client"
	"rpcd/client/record"
	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// Results stand in the order of the records, each whole, whichever is done first.
func TestOrder(t *testing.T) {
	w, _ := newWorld(t, "a", "b")
	m := sh(`echo a$1; [ $1 -gt 2 ] || until [ -e go ]; do sleep 0.01; done; [ $1 != 10 ] || : >go; echo b$1; echo e$1 >&2`)
	m.Jobs, m.Call = 4, client.Options{}
	m.Dir = w.dir
	wait := start(t.Context(), t, m, lines(40))
	o := wait()
	var stdout, stderr strings.Builder
	for i := range 40 {
		fmt.Fprintf(&stdout, "a%d\nb%[1]d\n", i+1)
		fmt.Fprintf(&stderr, "e%d\n", i+1)
	}
	o.want(t, stdout.String(), 40, 0, "")
	if o.stderr != stderr.String() {
		t.Errorf("stderr: %q", o.stderr)
	}
}

// Statuses that aren't 0 are failures, and nothing but.
func TestFailures(t *testing.T) {
	newWorld(t, "a")
	o := do(t, sh(`echo $1; [ $1 != 4 ] || kill -9 $$; exit $(($1 % 2))`), lines(6))
	o.want(t, lines(6), 6, 4, "")
	if o.said != nil {
		t.Errorf("complaints: %q", o.said)
	}
}

// What a call can't get is told of its record, and what no call can get ends the map.
func TestErrors(t *testing.T) {
	w, _ := newWorld(t, "a", "b")
	o := do(t, sh(`echo $1`), "a\nb\x00c\n"+strings.Repeat("x", 200_000)+"\nd\n")
	o.want(t, "a\nd\n", 4, 2, "")
	if len(o.said) != 2 || !strings.Contains(o.said[0], "record 2: cannot send") || !strings.Contains(o.said[1], "record 3: cannot put 200000 bytes") {
		t.Errorf("%q", o.said)
	}
	do(t, &Map{Procedure: "nosuch"}, lines(9)).want(t, "", 0, 0, `p has no procedure "nosuch"`)
	do(t, &Map{Worker: "q", Procedure: "cat"}, lines(9)).want(t, "", 0, 0, "cannot reach q")
	do(t, &Map{Worker: "q", Procedure: "cat"}, "").want(t, "", 0, 0, "")
	do(t, &Map{Procedure: "cat", Framing: record.U32}, "\x00\x00\x00\x01a\x00\x00").want(t, "\x00\x00\x00\x01a", 1, 0, "record 2 is cut off")
	m := sh(`sleep 60`)
	m.Call.Timeout = 50 * time.Millisecond
	o = do(t, m, "a\n")
	o.want(t, "", 1, 1, "")
	if len(o.said) != 1 || !strings.Contains(o.said[0], "your limit of 50ms") {
		t.Errorf("%q", o.said)
	}
	var usage *Usage
	if o := do(t, &Map{Procedure: "cat", Args: []string{"{}"}, Framing: record.NPY}, ""); !errors.As(o.err, &usage) {
		t.Error(o.err)
	}
	// An error of the reader comes behind the records before it.
	do(t, &Map{Procedure: "cat", Stdin: io.MultiReader(strings.NewReader("a\n"), failing{})}, "").want(t, "a\n", 1, 0, "permission denied")
	if left, _ := filepath.Glob(w.dir + "/rpc-map-*"); left != nil {
		t.Error(left)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrPermission }

// Long results lie in a file meanwhile, and are whole. Who holds an output open isn't
// waited for.
func TestLongResults(t *testing.T) {
	newWorld(t, "a")
	const size = 300_000
	o := do(t, sh(fmt.Sprintf(`head -c %d /dev/zero; [ $1 = 1 ] && setsid sh -c "sleep 2; echo late" & echo $1 >&2`, size)), lines(3))
	o.want(t, strings.Repeat("\x00", 3*size), 3, 0, "")
	if o.stderr != lines(3) {
		t.Errorf("%q", o.stderr)
	}
}

func TestFramings(t *testing.T) {
	newWorld(t, "a")
	cat := func(f record.Framing) *Map { return &Map{Procedure: "cat", Framing: f} }
	do(t, cat(record.Lines), "a\n\nb").want(t, "a\n\nb", 3, 0, "")
	do(t, cat(record.NUL), "a\nb\x00c").want(t, "a\nbc", 2, 0, "")
	long := string(binary.BigEndian.AppendUint32(nil, 300_000)) + strings.Repeat("x", 300_000)
	do(t, cat(record.U32), "\x00\x00\x00\x00\x00\x00\x00\x01a"+long).want(t, "\x00\x00\x00\x00\x00\x00\x00\x01a"+long, 3, 0, "")
	array := "\x93NUMPY\x01\x00\x3a\x00{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\nabc"
	do(t, cat(record.NPY), array+array).want(t, array+array, 2, 0, "")
	m := sh("printf hi", "x")
	m.Framing = record.NPY
	o := do(t, m, array)
	if o.want(t, "", 1, 1, ""); len(o.said) != 1 || !strings.Contains(o.said[0], "its result is left out: array 1 of it is no array") {
		t.Errorf("%q", o.said)
	}
	m = sh("echo a; echo; printf b; echo c >&2")
	m.Tag = true
	o = do(t, m, "x y\n")
	if o.want(t, "x y\ta\nx y\t\nx y\tb", 1, 0, ""); o.stderr != "x y\tc\n" {
		t.Errorf("%q", o.stderr)
	}
}

// Unordered results come as they are done.
func TestUnordered(t *testing.T) {
	w, _ := newWorld(t, "a")
	r, out := io.Pipe()
	m := sh(`[ $1 != 1 ] || until [ -e go ]; do sleep 0.01; done; echo $1`)
	m.Unordered, m.Jobs, m.Stdout = true, 2, out
	m.Dir = w.dir
	wait := start(t.Context(), t, m, lines(3))
	buf := make([]byte, 2)
	for _, want := range []string{"2\n", "3\n"} {
		if _, err := io.ReadFull(r, buf); err != nil || string(buf) != want {
			t.Errorf("%q, %v", buf, err)
		}
	}
	if err := os.WriteFile(w.dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, buf); err != nil || string(buf) != "1\n" {
		t.Errorf("%q, %v", buf, err)
	}
	if o := wait(); o.err != nil || o.sum.Done != 3 {
		t.Errorf("%+v", o)
	}
}

// While one record is slow, no more than 4 results a slot are held back, and no record
// is begun behind them.
//
// fault: 171
func TestHoldBack(t *testing.T) {
	w, _ := newWorld(t, "a")
	m := sh(`: >$1; [ $1 != 1 ] || until [ -e go ]; do sleep 0.01; done; echo $1`)
	m.Jobs = 2
	var last Progress
	told := make(chan struct{}, 100)
	m.Progress = func(p Progress) { last = p; told <- struct{}{} }
	m.Dir = w.dir
	wait := start(t.Context(), t, m, lines(100))
	most := fmt.Sprint(1 + holdBack*m.Jobs)
	testkit.Eventually(t, "so many are begun", func() bool { _, err := os.Stat(w.dir + "/" + most); return err == nil })
	<-told
	<-told
	if _, err := os.Stat(w.dir + "/" + fmt.Sprint(2+holdBack*m.Jobs)); err == nil {
		t.Error("more results are held back")
	}
	if err := os.WriteFile(w.dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wait().want(t, lines(100), 100, 0, "")
	if last.Done != 100 || !last.Over || !last.Ended || last.Begun != 100 || last.Read != int64(len(lines(100))) {
		t.Errorf("%+v", last)
	}
}

func TestHalt(t *testing.T) {
	w, _ := newWorld(t, "a")
	m := sh(`[ $1 != 3 ] && echo $1`)
	m.Halt, m.Jobs = HaltSoon, 1
	o := do(t, m, lines(100))
	var halted *HaltError
	if o.want(t, "1\n2\n", o.sum.Done, 1, "record 3 failed"); !errors.As(o.err, &halted) || o.sum.Done > 4 {
		t.Errorf("%+v", o)
	}
	m = sh(`[ $1 = 3 ] && { until [ -e go ]; do sleep 0.01; done; echo why >&2; exit 1; }; echo $1; [ $1 = 1 ] || exec sleep 600`)
	r, out := io.Pipe()
	m.Halt, m.Jobs, m.Dir, m.Stdout = HaltNow, 4, w.dir, out
	wait := start(t.Context(), t, m, lines(100))
	first := make([]byte, 2)
	if _, err := io.ReadFull(r, first); err != nil || string(first) != "1\n" {
		t.Errorf("%q, %v", first, err)
	}
	if err := os.WriteFile(w.dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o = wait()
	if o.want(t, "", 1, 0, "record 3 failed"); o.stderr != "why\n" {
		t.Errorf("%q", o.stderr)
	}
}

// The end of the context ends the calls.
func TestCancel(t *testing.T) {
	w, workers := newWorld(t, "a")
	ctx, cancel := context.WithCancelCause(t.Context())
	m := sh(`[ $1 != 1 ] || exit 0; trap ": >ended$1; exit" TERM; : >up$1; while :; do sleep 0.01; done`)
	m.Jobs = 2
	m.Dir = w.dir
	wait := start(ctx, t, m, lines(9))
	for _, name := range []string{"up2", "up3"} {
		testkit.Eventually(t, name, func() bool { _, err := os.Stat(w.dir + "/" + name); return err == nil })
	}
	cancel(io.ErrClosedPipe)
	wait().want(t, "", 1, 0, io.ErrClosedPipe.Error())
	for _, name := range []string{"ended2", "ended3"} {
		if _, err := os.Stat(w.dir + "/" + name); err != nil {
			t.Error(err)
		}
	}
	testkit.Eventually(t, "nothing is left", func() bool { u, err := proc.Look(workers[0].PID()); return err == nil && u.Children == 0 })
}

// Through a bridge it is the same.
func TestBridge(t *testing.T) {
	w, _ := newWorld(t, "a")
	testbin.Bridge(t, rig.Starter{Folder: w.dir}, w.dir+"/b.sock", w.socket("a"))
	m := sh("cat; echo $1 >&2", "{#}")
	m.Worker, m.Retries, m.Jobs = "b", 0, 3
	o := do(t, m, lines(30))
	if o.want(t, "", 30, 0, ""); o.stderr != lines(30) {
		t.Errorf("%q", o.stderr)
	}
	long := strings.Repeat("x", 400_000) + "\n"
	do(t, &Map{Worker: "b", Procedure: "cat"}, long+"a\n"+long).want(t, long+"a\n"+long, 3, 0, "")
}
