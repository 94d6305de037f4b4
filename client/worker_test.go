package client

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rpcd/internal/rig"
	"rpcd/internal/testkit"
)

// exportsFolder makes an exports directory with links to the named commands.
func exportsFolder(t *testing.T, names ...string) string {
	t.Helper()
	dir := filepath.Join(testkit.Folder(t), "exports")
	if err := rig.Export(dir, names...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// addProcedure adds to an exports directory the folder of a procedure with these files.
func addProcedure(t *testing.T, exports, name string, files map[string]string) {
	t.Helper()
	folder := filepath.Join(exports, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// withSecret makes an exports directory of links to commands, and of the procedure
// secret, which nobody may call.
func withSecret(t *testing.T, names ...string) string {
	t.Helper()
	exports := exportsFolder(t, names...)
	addProcedure(t, exports, "secret", map[string]string{"run": "#!/bin/sh\n", "allow": ""})
	return exports
}

func TestPingAndList(t *testing.T) {
	w := newWorld(t)
	exports := exportsFolder(t, "sort", "cat")
	addProcedure(t, exports, "detect", map[string]string{"run": "#!/bin/sh\n", "summary": "finds boxes\n", "max-calls": "1\n"})
	w.serve("w", "--exports", exports, "--max-calls", "7", "--queue", "9")
	w.bridge("b", "w")
	for _, worker := range []string{"w", "b"} {
		infos, err := Ping(t.Context(), worker, testkit.Limit)
		if err != nil || len(infos) != 1 {
			t.Fatalf("%v, %v", infos, err)
		}
		i := infos[0]
		if i.Worker != "w" || i.State != "up" || i.Version == "" || i.RTT <= 0 || i.Load.MaxCalls != 7 || i.Load.MaxQueue != 9 || i.Load.CPUs == 0 || len(i.Procedures) != 0 {
			t.Errorf("%+v", i)
		}
		if i.Socket != filepath.Join(w.dir, worker+".sock") {
			t.Errorf("socket %q", i.Socket)
		}
		infos, err = List(t.Context(), worker, testkit.Limit)
		if err != nil || len(infos) != 1 {
			t.Fatalf("%v, %v", infos, err)
		}
		var names []string
		for _, p := range infos[0].Procedures {
			names = append(names, p.Name+"|"+p.Summary)
		}
		if !slices.Equal(names, []string{"cat|", "detect|finds boxes", "sort|"}) {
			t.Errorf("%q", names)
		}
	}
	if err := Command("w", "sort").Run(); err != nil {
		t.Error(err)
	}
	want(t, Command("w", "true").Run(), ErrUnknown, false)
	testkit.Eventually(t, "both are counted", func() bool {
		infos, err := Ping(t.Context(), "w", testkit.Limit)
		return err == nil && infos[0].Counters.Calls == 1 && infos[0].Counters.Refused == 1
	})
	_, err := Ping(t.Context(), "nobody", time.Second)
	want(t, err, ErrUnreachable, false)
}

// A question to a frozen worker fails after its time limit.
// fault: 14
func TestPingOfAFrozenWorker(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w")
	freeze(t, rpcd)
	testkit.Within(t, "the call", func() {
		_, err := Ping(t.Context(), "w", 100*time.Millisecond)
		want(t, err, ErrLost, false)
	})
}

// The end of the context ends a Ping that waits for its answer.
func TestPingsContext(t *testing.T) {
	w := newWorld(t)
	rpcd := w.serve("w")
	freeze(t, rpcd)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := Ping(ctx, "w", testkit.Limit/2); err == nil || time.Since(began) > testkit.Limit/3 {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// fault: 59
func TestServerUID(t *testing.T) {
	w := newWorld(t)
	w.serve("w")
	us := uint32(os.Getuid())
	c := Command("w", "true")
	c.ServerUID = &us
	if err := c.Run(); err != nil {
		t.Error(err)
	}
	other := us + 1
	c = Command("w", "true")
	c.ServerUID = &other
	want(t, c.Run(), ErrUnreachable, false)
}

// A caller whose uid no rule admits gets ErrDenied.
func TestDenied(t *testing.T) {
	w := newWorld(t)
	exports := withSecret(t, "cat")
	w.serve("w", "--exports", exports)
	want(t, Command("w", "secret").Run(), ErrDenied, false)
	infos, err := List(t.Context(), "w", testkit.Limit)
	if err != nil || len(infos[0].Procedures) != 1 {
		t.Errorf("the list shows %+v, %v", infos, err)
	}
}

// The replica of a pool with the least load takes a call. If it is busy, draining
// or dead, the next one takes it.
func TestPool(t *testing.T) {
	w := newWorld(t)
	if err := os.Mkdir(filepath.Join(w.dir, "pool"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.serve("pool/a", "--max-calls", "1", "--queue", "0")
	w.serve("pool/b", "--max-calls", "1", "--queue", "0")
	dead := w.serve("pool/c", "--max-calls", "1", "--queue", "0")
	infos, err := Ping(t.Context(), "pool", testkit.Limit)
	if err != nil || len(infos) != 3 {
		t.Fatalf("%v, %v", infos, err)
	}
	dead.Kill()
	var verbose bytes.Buffer
	for range 2 {
		c := Command("pool", "sleep", "1000")
		c.Verbose, c.RetryFor = &verbose, testkit.Limit // RetryFor, since a replica that tells its load late gets no call
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Kill()
			_ = c.Wait()
		})
	}
	for _, socket := range []string{"pool/a.sock", "pool/b.sock"} {
		if !bytes.Contains(verbose.Bytes(), []byte(socket)) {
			t.Errorf("%s got no call: %s", socket, &verbose)
		}
	}
	err = Command("pool", "true").Run()
	for began := time.Now(); errors.Is(err, ErrUnreachable) && time.Since(began) < testkit.Limit; { // both may be slow to tell their loads
		err = Command("pool", "true").Run()
	}
	want(t, err, ErrBusy, false)
	if infos, err := Ping(t.Context(), "pool", testkit.Limit); err != nil || len(infos) != 2 {
		t.Errorf("%v, %v", infos, err)
	}
}

// The client never passes a terminal, but relays it.
// fault: 38
func TestTerminalIsRelayed(t *testing.T) {
	newWorld(t).serve("w")
	master, slave := testkit.Terminal(t)
	c := sh("w", "readlink /proc/$$/fd/1; echo more")
	c.Stdout = slave
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if line := testkit.Line(t, master); !bytes.HasPrefix([]byte(line), []byte("pipe:")) {
		t.Errorf("the procedure's stdout is %q", line)
	}
}
