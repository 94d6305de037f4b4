package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rpcd/internal/testbin"
)

// On a terminal ls is coloured, unless NO_COLOR says otherwise, and cut with a count.
// --watch draws over what it drew, and nothing above; Ctrl-C ends it by its signal, and
// leaves the terminal as it was.
func TestWatchOnATerminal(t *testing.T) {
	x := openTerminal(t, "passed")
	if err := os.Mkdir(x.world.dir+"/run", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(x.world.socket, x.world.dir+"/run/w.sock"); err != nil {
		t.Fatal(err)
	}
	for i := range 99 {
		if err := os.Symlink("/bin/true", filepath.Join(x.world.dir, "ex", "aa-long-name-"+strings.Repeat("x", i))); err != nil {
			t.Fatal(err)
		}
	}
	x.types("export RPC_DIR=$D/run; stty -g >before; clear", "Enter")
	x.types("rpc ls", "Enter")
	x.has("more (rpc ls w shows all)")
	for _, line := range strings.Split(x.screen(), "\n") {
		if strings.Contains(line, "shows all") && !strings.HasSuffix(line, "shows all)") {
			t.Errorf("the line is longer than the terminal: %q", line)
		}
	}
	colours := func() bool {
		out, _ := exec.Command("tmux", "-S", x.tmux, "capture-pane", "-p", "-e").Output()
		return strings.Contains(string(out), "\x1b[32mup")
	}
	if !colours() {
		t.Error("no colours on a terminal")
	}
	x.types("clear; echo be''low; NO_COLOR=1 rpc ls", "Enter")
	x.has("below\nWORKER")
	x.has("shows all")
	if colours() {
		t.Error("colours with NO_COLOR")
	}

	x.types(`clear; echo abo''ve; rpc ps --watch=0.1s`, "Enter")
	x.has("above\nWORKER")
	caller := exec.Command(filepath.Join(testbin.Dir(t), "rpc"), "-n", "--label", "seen", "w", "sleep", "99")

	caller.Env = append(x.world.environment(), "RPC_DIR="+x.world.dir+"/run", "RPC_CHDIR=/")
	if err := caller.Start(); err != nil {
		t.Fatal(err)
	}
	x.has("running  seen")
	_ = caller.Process.Signal(os.Interrupt)
	_ = caller.Wait()
	x.until("the call is gone", func() bool { return !strings.Contains(x.screen(), "seen") })
	x.types("C-c")
	x.prompted()
	x.types(`echo "status $?"`, "Enter")
	x.has("status 130")
	if screen := x.screen(); strings.Count(screen, "WORKER") != 1 || !strings.Contains(screen, "above\nWORKER") {
		t.Errorf("the screen:\n%s", screen)
	}
	x.types(`stty -g | cmp - before && echo as''before`, "Enter")
	x.has("asbefore")
}
