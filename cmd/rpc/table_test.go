package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// row is one behaviour: a bash script that calls `rpc $W PROCEDURE...`, and
// what comes of it. In stdout and stderr "..." stands for the rest of a word
// or line.
//
// The script runs in an empty folder with prelude.sh, and knows $T (the
// transport), $D (the folder above, with ex/, the exports), $RPCD (the
// daemon's pid). Every row has a daemon of its own, and at the end the daemon
// must be as idle as it was, unless the row ends it.
type row struct {
	name           string
	on             string // transports, between spaces; "": passed none bridge
	serve          []string
	script         string
	stdout, stderr string
	status         int
	ends           bool          // the row ends the daemon
	root           bool          // it needs the rights to mount, to set others' limits, to become another user or to see rpcd's /proc
	time           time.Duration // what it may take before it counts as hanging; 0: rowTime
}

// table is every row, in files by subject.
var table = slices.Concat(statusRows, signalRows, stdinRows, streamRows, fileRows, wordRows, environmentRows, directoryRows, endRows, limitRows, shortageRows, reportRows, strangerRows, doctorRows)

// transports a row runs over, in order: the caller's descriptors passed;
// RPC_PASS=none; through socat, UNIX to TCP to UNIX; passed, with a daemon of
// another user.
var transports = []string{"passed", "none", "bridge", "users"}

const everywhere = "passed none bridge"

func TestTable(t *testing.T) {
	testbin.Dir(t)
	for _, transport := range transports {
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
				on := r.on
				if on == "" {
					on = everywhere
				}
				if slices.Contains(strings.Fields(on), transport) {
					t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
						t.Parallel()
						r.run(t, transport)
					})
				}
			}
		})
	}
}

const rowTime = 60 * time.Second

func (r row) run(t *testing.T, transport string) {
	if r.root && os.Getuid() != 0 {
		testkit.Lack(t, "this row needs root")
	}
	if r.time == 0 {
		r.time = rowTime
	}
	w := startWorld(t, transport, r.serve...)
	before := w.idle(t)
	ctx, cancel := context.WithTimeout(context.Background(), r.time)
	defer cancel()
	cmd := w.bash(ctx, r.script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the script left
	if ctx.Err() != nil {
		t.Errorf("hangs: not over after %v", r.time)
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Errorf("the script: %v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != r.status {
		t.Errorf("status %d, want %d", got, r.status)
	}
	differ(t, "stdout", w.plain(stdout.String()), r.stdout)
	differ(t, "stderr", w.plain(stderr.String()), r.stderr)
	if !r.ends && !t.Failed() {
		w.restored(t, before)
	}
	if t.Failed() {
		t.Logf("the script:\n%s", r.script)
		t.Logf("stdout:\n%s", shorten(stdout.String()))
		t.Logf("stderr:\n%s", shorten(stderr.String()))
		t.Logf("rpcd says:\n%s", shorten(w.log()))
	}
}

// differ compares an output with what a row says of it.
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
