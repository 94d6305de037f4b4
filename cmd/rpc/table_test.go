package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/rows"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// rowTime is how long a row may take, unless its header gives another time. It is
// far more than any row needs, so a slower one hangs.
const rowTime = 3 * time.Minute

// TestTable runs every row of testdata/rows over each transport that the row
// names. Package rows says how such a file is written.
//
// The script runs in an empty folder with prelude.sh. It knows $W (the worker),
// $T (the transport), $D (the folder above, with ex/, the exports) and $RPCD
// (the daemon's pid). Every row has a daemon of its own. At the end that daemon
// must be as idle as it was, unless the row ends it.
//
// plain drops bash's notices of background jobs line by line. So the text of such
// a job must be one line.
func TestTable(t *testing.T) {
	testbin.Dir(t)
	table, err := rows.Load("testdata/rows")
	if err != nil {
		t.Fatal(err)
	}
	for _, transport := range rows.Transports {
		t.Run(transport, func(t *testing.T) {
			switch {
			case transport == "bridge":
				testkit.Need(t, "socat")
			case transport == "users" && os.Getuid() != 0:
				testkit.Lack(t, "a daemon of another user needs root")
			case transport == "users":
				testkit.Need(t, "setpriv")
			}
			for _, r := range table {
				if slices.Contains(r.On, transport) {
					t.Run(r.Name, func(t *testing.T) {
						t.Parallel()
						runRow(t, r, transport)
					})
				}
			}
		})
	}
}

// sharedScripts reads the shared scripts that a row's header names.
func sharedScripts(t *testing.T, r rows.Row) string {
	t.Helper()
	var all strings.Builder
	for _, name := range r.Use {
		text, err := os.ReadFile(filepath.Join("testdata", name+".sh"))
		if err != nil {
			t.Fatalf("the header says \"use: %s\": %v", name, err)
		}
		all.Write(text)
	}
	return all.String()
}

// runRow runs a row, and compares its outputs and status with the row's file.
func runRow(t *testing.T, r rows.Row, transport string) {
	if r.Root && os.Getuid() != 0 {
		testkit.Lack(t, "this row needs root")
	}
	if r.Time == 0 {
		r.Time = rowTime
	}
	w := startWorld(t, transport, r.Serve...)
	before := w.idle(t)
	ctx, cancel := context.WithTimeout(context.Background(), r.Time)
	defer cancel()
	cmd := w.bash(ctx, sharedScripts(t, r)+r.Script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // kills processes that the script left
	if ctx.Err() != nil {
		t.Errorf("hangs: still runs after %v", r.Time)
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Errorf("the script: %v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != r.Status {
		t.Errorf("status %d, want %d", got, r.Status)
	}
	differ(t, "stdout", w.plain(stdout.String()), r.Stdout)
	differ(t, "stderr", w.plain(stderr.String()), r.Stderr)
	if !r.Ends && !t.Failed() {
		w.restored(t, before)
	}
	if t.Failed() {
		t.Logf("%s\nThe script:\n%s", r.About, r.Script)
		t.Logf("stdout:\n%s", shorten(stdout.String()))
		t.Logf("stderr:\n%s", shorten(stderr.String()))
		t.Logf("rpcd says:\n%s", shorten(w.log()))
	}
}

// differ compares an output with the row's. In the row "..." stands for any text
// up to the end of the line.
func differ(t *testing.T, name, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\.\.\.`, `[^\n]*`)
	if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(got) {
		t.Errorf("%s is\n%swant\n%s", name, shorten(got), shorten(want))
	}
}

func shorten(s string) string {
	const most = 4000
	if len(s) > most {
		return s[:most/2] + "\n[...]\n" + s[len(s)-most/2:]
	}
	return s
}
