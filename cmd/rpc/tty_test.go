package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rpcd/internal/testkit"
)

// terminal is a bash in a real terminal of tmux.
type terminal struct {
	t     *testing.T
	tmux  string // the socket of the test's own tmux server
	shell string // the pid of bash
	world *world
}

func openTerminal(t *testing.T, transport string) *terminal {
	if _, err := exec.LookPath("tmux"); err != nil && os.Getuid() == 0 { // root can install tmux, which only this test needs
		_ = exec.Command("apt-get", "install", "-y", "-qq", "--no-install-recommends", "tmux").Run()
	}
	testkit.Need(t, "tmux")
	w := startWorld(t, transport)
	x := &terminal{t: t, tmux: filepath.Join(w.dir, "tmux"), world: w}
	cmd := exec.Command("tmux", "-S", x.tmux, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "50", "bash --norc --noprofile -i")
	cmd.Dir, cmd.Env = w.dir+"/cwd", append(w.environment(), "HISTFILE=", "TERM=xterm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", x.tmux, "kill-server").Run() })
	out, err := exec.Command("tmux", "-S", x.tmux, "display-message", "-p", "#{pane_pid}").Output()
	if err != nil {
		t.Fatalf("tmux: %v", err)
	}
	x.shell = strings.TrimSpace(string(out))
	x.has("bash-") // the prompt: bash has set up the terminal by then
	x.types(`PS1="> "`, "Enter")
	x.shows(">")
	return x
}

// types sends keys: names of keys, or text.
func (x *terminal) types(keys ...string) {
	x.t.Helper()
	if out, err := exec.Command("tmux", append([]string{"-S", x.tmux, "send-keys"}, keys...)...).CombinedOutput(); err != nil {
		x.t.Fatalf("send-keys: %v: %s", err, out)
	}
}

func (x *terminal) screen() string {
	out, _ := exec.Command("tmux", "-S", x.tmux, "capture-pane", "-p").Output()
	return strings.TrimRight(string(out), "\n ")
}

// shows waits until a whole line of the screen equals line.
func (x *terminal) shows(line string) {
	x.t.Helper()
	x.until("the screen shows "+line, func() bool {
		return strings.Contains("\n"+x.screen()+"\n", "\n"+line+"\n")
	})
}

// has waits until the screen holds the text.
func (x *terminal) has(text string) {
	x.t.Helper()
	x.until("the screen has "+text, func() bool { return strings.Contains(x.screen(), text) })
}

func (x *terminal) until(what string, ok func() bool) {
	x.t.Helper()
	if !testkit.Eventually(x.t, what, ok) {
		x.t.Fatalf("the screen:\n%s\nrpcd says:\n%s", x.screen(), x.world.log())
	}
}

// calling waits until a job has the terminal, and prompted until bash has it. Keys
// that are typed in between are lost, with a local command, too.
func (x *terminal) calling() {
	x.t.Helper()
	x.until("a job is in the foreground", func() bool { g := x.foreground(); return g != "" && g != x.shell })
}

func (x *terminal) prompted() {
	x.t.Helper()
	x.until("bash is in the foreground", func() bool { return x.foreground() == x.shell && strings.HasSuffix("\n"+x.screen(), "\n>") })
}

// foreground gives the terminal's foreground process group (tpgid in proc(5)).
func (x *terminal) foreground() string {
	b, _ := os.ReadFile("/proc/" + x.shell + "/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	if f := strings.Fields(rest); len(f) > 5 {
		return f[5]
	}
	return ""
}

// exists waits for a file in the folder where the calls run.
func (x *terminal) exists(name string) {
	x.t.Helper()
	x.until(name+" exists", func() bool {
		_, err := os.Stat(filepath.Join(x.world.dir, "cwd", name))
		return err == nil
	})
}

// TestTerminal checks that a call in a terminal reacts to keys as a local command
// does.
// fault: 38 43 83
func TestTerminal(t *testing.T) {
	for _, transport := range []string{"passed", "bridge"} {
		t.Run(transport, func(t *testing.T) {
			if transport == "bridge" {
				testkit.Need(t, "socat")
			}
			for name, test := range map[string]func(*terminal){
				"reads":      terminalReads,
				"ctrl-z":     terminalStops,
				"background": terminalBackground,
				"ctrl-c":     terminalInterrupts,
				"ctrl-c cat": terminalInterruptsReader,
				"ctrl-d":     terminalEnds,
				"next":       terminalNext,
				"modes":      terminalModes,
				"names":      terminalNames,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(openTerminal(t, transport))
				})
			}
		})
	}
}

func terminalReads(x *terminal) {
	x.types(`rpc $W sh -c 'echo ask; read a; echo got $a; echo err >&2; [ -t 0 ] || echo no terminal'`, "Enter")
	x.shows("ask")
	x.types("an answer", "Enter")
	x.shows("got an answer")
	x.shows("err")
	x.shows("no terminal")
}

func terminalStops(x *terminal) {
	x.types(`rpc $W sh -c 'echo ask; read a; echo got $a'; echo "status $?"`, "Enter")
	x.shows("ask")
	x.types("C-z")
	x.has("Stopped")
	x.prompted()
	x.types("echo shell is back", "Enter")
	x.shows("shell is back")
	x.prompted()
	x.types("fg", "Enter")
	x.calling()
	x.types("again", "Enter")
	x.shows("got again")
	// A call that writes behaves alike.
	x.prompted()
	x.types("clear; rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.05; done; echo went on'", "Enter")
	x.exists("up")
	x.types("C-z")
	x.has("Stopped")
	x.prompted()
	x.types("touch go; sleep 0.3; clear", "Enter")
	x.prompted()
	x.types("fg", "Enter")
	x.shows("went on")
}

func terminalBackground(x *terminal) {
	x.types("rpc $W sh -c 'echo up; : >up; while [ ! -e go ]; do sleep 0.05; done; read a; echo got $a; : >end' &", "Enter")
	x.exists("up") // the call runs in the background, though it may not read the terminal
	x.types("", "Enter")
	x.types("clear; touch go; sleep 0.5; jobs", "Enter")
	x.has("Running")
	x.prompted()
	x.types("fg", "Enter")
	x.calling()
	x.types("text", "Enter")
	x.shows("got text")
	x.prompted()
	x.types("clear; rpc $W sh -c 'sleep 0.2; echo done by itself; : >self' &", "Enter")
	x.exists("self")
	x.has("done by itself")
	x.until("bash says Done", func() bool { // bash prints it before a prompt, once rpc has ended
		x.types("", "Enter")
		return strings.Contains(x.screen(), "Done")
	})
}

func terminalInterrupts(x *terminal) {
	x.types(`rpc $W sh -c 'trap "echo cleaned; exit 40" INT; echo up; sleep 99 & wait'; echo "status $?"`, "Enter")
	x.shows("up")
	x.types("C-c")
	x.has("cleaned")
	x.has("status 40")
	x.prompted()
	// If the procedure dies of the signal, bash sees that and stops its list.
	x.types("clear", "Enter")
	x.until("the screen is clear", func() bool { return !strings.Contains(x.screen(), "cleaned") }) // so the first "up" is gone, too
	x.types(`rpc $W sh -c 'echo $$ >pid; echo up; exec sleep 99'; echo "not reached"`, "Enter")
	x.shows("up")
	x.types("C-c")
	x.prompted()
	x.types(`echo "status $?"`, "Enter")
	x.shows("status 130")
	if strings.Contains(strings.ReplaceAll(x.screen(), `echo "not reached"`, ""), "not reached") {
		x.t.Errorf("bash goes on after Ctrl-C:\n%s", x.screen())
	}
}

func terminalInterruptsReader(x *terminal) {
	x.types(`rpc $W sh -c 'echo up; exec cat'`, "Enter")
	x.shows("up")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-c")
	x.prompted()
	x.types(`echo "status $?"`, "Enter")
	x.shows("status 130")
}

func terminalEnds(x *terminal) {
	x.types(`rpc $W sh -c 'echo up; exec cat'; echo "status $?"`, "Enter")
	x.shows("up")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-d")
	x.shows("status 0")
}

// terminalNext checks that a call doesn't take the line that is typed for the next
// command.
func terminalNext(x *terminal) {
	x.types(`rpc $W sh -c 'echo ask; read a; echo got $a; : >up; while [ ! -e go ]; do sleep 0.05; done'`, "Enter")
	x.shows("ask")
	x.types("first", "Enter")
	x.exists("up")
	x.types("echo ahead; : >ahead", "Enter")
	if err := os.WriteFile(filepath.Join(x.world.dir, "cwd", "go"), nil, 0o644); err != nil {
		x.t.Fatal(err)
	}
	x.prompted()
	x.types("echo and after", "Enter")
	x.shows("and after")
	if _, err := os.Stat(filepath.Join(x.world.dir, "cwd", "ahead")); err != nil {
		x.t.Logf("what was typed during a call that doesn't read was taken by it: at most a line, since rpc reads a terminal by lines\n%s", x.screen())
	}
}

// terminalModes checks that a call leaves the terminal's modes as they were, even
// if rpcd dies.
func terminalModes(x *terminal) {
	// All of it is one command line, since bash repairs the modes when it prompts.
	x.types(`look() { { stty -g; grep flags /proc/$$/fdinfo/0; } >$1; }; same() { look after; cmp before after && echo "$1"; }`, "Enter")
	x.prompted()
	x.types(`clear; look before; rpc $W sh -c 'echo up; exec cat'; same unchanged`, "Enter")
	x.shows("up")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-d")
	x.shows("unchanged")
	x.prompted()
	x.types(`clear; look before; rpc $W sh -c 'echo up again; exec cat'; echo "status $?"; same "still unchanged"`, "Enter")
	x.shows("up again")
	x.world.daemon.Kill()
	x.shows("status 125")
	x.shows("still unchanged")
}

// terminalNames checks that a terminal is one thing under each of its names, so that
// what is written to two of them keeps its order.
func terminalNames(x *terminal) {
	const both = `rpc $W sh -c 'i=0; while [ $i -lt 40 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; echo end'`
	for _, names := range []string{">/dev/tty", "2>/dev/tty", ">/dev/tty 2>$(tty)", ">$(tty) 2>$(tty)"} {
		x.types("clear; "+both+" "+names, "Enter")
		x.shows("end")
		x.prompted()
		var want strings.Builder // the screen has 50 lines, so these are the last
		for i := 20; i < 40; i++ {
			fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
		}
		if !strings.Contains(x.screen(), want.String()+"end") {
			x.t.Errorf("%s: the order isn't kept:\n%s", names, x.screen())
		}
	}
}
