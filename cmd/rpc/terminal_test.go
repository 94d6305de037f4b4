package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

// clear clears the screen, so that what comes then is new.
func (x *terminal) clear() {
	x.t.Helper()
	x.types("clear", "Enter")
	x.until("the screen is clear", func() bool { return x.screen() == ">" })
}

// lacks waits until the text has gone from the screen.
func (x *terminal) lacks(text string) {
	x.t.Helper()
	x.until("the screen has no "+text, func() bool { return !strings.Contains(x.screen(), text) })
}

// content gives a file of the folder where the calls run, without spaces around it.
func (x *terminal) content(name string) string {
	b, _ := os.ReadFile(filepath.Join(x.world.dir, "cwd", name))
	return strings.TrimSpace(string(b))
}

// raw waits until rpc has made the terminal raw.
func (x *terminal) raw() {
	x.t.Helper()
	name, err := exec.Command("tmux", "-S", x.tmux, "display-message", "-p", "#{pane_tty}").Output()
	if err != nil {
		x.t.Fatalf("tmux: %v", err)
	}
	x.hasModes(strings.TrimSpace(string(name)), "-isig", "-icanon")
}

// hasModes waits until a terminal has these modes, as stty(1) calls them.
func (x *terminal) hasModes(tty string, modes ...string) {
	x.t.Helper()
	x.until(tty+" has "+strings.Join(modes, " "), func() bool {
		out, err := exec.Command("stty", "-a", "-F", tty).Output()
		is := strings.Fields(string(out))
		return err == nil && !slices.ContainsFunc(modes, func(m string) bool { return !slices.Contains(is, m) })
	})
}

// resize makes the terminal so wide and high, some time later.
func (x *terminal) resize(columns, rows int) {
	x.t.Helper()
	out, err := exec.Command("tmux", "-S", x.tmux, "resize-window", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows)).CombinedOutput()
	if err != nil {
		x.t.Fatalf("resize-window: %v: %s", err, out)
	}
}

// stops types Ctrl-Z, and waits until bash has the terminal again.
func (x *terminal) stops() {
	x.t.Helper()
	x.types("C-z")
	x.has("Stopped")
	x.prompted()
}
