package testbin

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testkit"
)

// Scripts runs the scripts testdata/*.txtar of the package, with the binaries
// on PATH, in folders with short names (sockets lie in them). A folder ex holds
// some commands to export, and $TESTDATA is testdata. Scripts have testscript's
// own commands and
//
//	status N COMMAND...   run it; its exit status must be N (128+N: a signal)
//	[have:TOOL] [root] [cgroups]   conditions, which fail where nothing may be skipped
func Scripts(t *testing.T) {
	Dir(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         testkit.Folder(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Condition:           condition,
		Deadline:            time.Now().Add(3 * time.Minute),
		Setup:               func(e *testscript.Env) error { return setup(e, Path(t)) },
	})
}

func setup(e *testscript.Env, path string) error {
	e.Setenv("PATH", path)
	e.Setenv("LC_ALL", "C")
	e.Setenv("RPC_DIR", e.WorkDir+"/run")
	e.Setenv("RPC_TEST_ENTRY", os.Getenv("RPCD_TEST_ENTRY"))
	e.Setenv("RPCD_TEST_ALL", os.Getenv("RPCD_TEST_ALL")) // for scripts that look themselves
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		return err
	}
	e.Setenv("TESTDATA", testdata)
	if err := os.Chmod(e.WorkDir, 0o755); err != nil {
		return err
	}
	return rig.Export(e.WorkDir+"/ex", "sh", "cat", "true", "sort", "echo", "sleep", "pwd", "yes", "id")
}

func condition(name string) (bool, error) {
	ok := false
	switch tool, have := strings.CutPrefix(name, "have:"); {
	case have:
		_, err := exec.LookPath(tool)
		ok = err == nil
	case name == "root":
		ok = os.Getuid() == 0
	case name == "cgroups":
		ok = proc.CanMakeCgroups()
	default:
		return false, fmt.Errorf("unknown condition %q", name)
	}
	if !ok && testkit.All() {
		return false, fmt.Errorf("RPCD_TEST_ALL is set, and this isn't so: %s", name)
	}
	return ok, nil
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			got = 128 + int(w.Signal())
		}
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("status %d, want %d", got, want)
	}
}
