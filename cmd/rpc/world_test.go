package main_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// world is a daemon with its exports, the way to it, and the folder in which
// callers run.
type world struct {
	dir       string // holds ex/, sock/, cwd/ and log
	socket    string // the path to which callers connect
	transport string
	daemon    *rig.Process
	bridge    *rig.Bridge // nil: the transport has none
	path      string
}

//go:embed testdata/prelude.sh
var prelude string

// exported are the commands that rows may call.
var exported = []string{"sh", "bash", "cat", "true", "false", "yes", "head", "tail", "sleep", "sort", "echo", "printf", "env", "pwd",
	"dd", "wc", "seq", "stat", "id", "ls", "tee", "cksum", "touch", "readlink"}

// otherUser is the uid and gid of the daemon in the transport "users". No account
// has this number.
const otherUser = 54321

// startWorld starts a daemon, and a bridge if the transport needs one. Both end
// with the test.
func startWorld(t testing.TB, transport string, flags ...string) *world {
	t.Helper()
	dir := testkit.Folder(t)
	w := &world{dir: dir, socket: dir + "/sock/w.sock", transport: transport, path: testbin.Path(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(dir+"/sock", 0o755))
	must(os.Mkdir(dir+"/cwd", 0o755))
	must(rig.Export(dir+"/ex", exported...))
	s := rig.Starter{Folder: dir, Log: dir + "/log"}
	if transport == "users" {
		must(os.Chown(dir+"/sock", otherUser, otherUser))
		s.User = otherUser
	}
	if !slices.Contains(flags, "--all-commands") { // else there are no exports
		flags = append([]string{"--exports", dir + "/ex"}, flags...)
	}
	w.daemon = testbin.Serve(t, s, w.socket, append([]string{"--grace", "1s"}, flags...)...)
	switch transport {
	case "bridge":
		far := dir + "/sock/far.sock"
		w.bridge = testbin.Bridge(t, rig.Starter{Folder: dir}, far, w.socket)
		w.socket = far
	case "crooked":
		w.crooked(t)
	}
	return w
}

// environment gives the environment of callers.
func (w *world) environment() []string {
	env := append(testbin.Environment(), "PATH="+w.path, "W="+w.socket, "T="+w.transport, "D="+w.dir,
		fmt.Sprintf("RPCD=%d", w.daemon.PID()))
	if testing.Short() {
		env = append(env, "SHORT=1")
	}
	if w.transport == "none" {
		env = append(env, "RPC_PASS=none")
	}
	return env
}

// bash prepares a script, with prelude.sh before it, in a process group of its
// own.
func (w *world) bash(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+"\n"+script, "row")
	cmd.Dir = w.dir + "/cwd"
	cmd.Env = w.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// rpc prepares a run of rpc with these arguments.
func (w *world) rpc(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(strings.Split(w.path, ":")[0], "rpc"), args...)
	cmd.Dir = w.dir + "/cwd"
	cmd.Env = w.environment()
	return cmd
}

func (w *world) log() string { return w.daemon.Log() }

// notices matches the lines that bash itself prints about its jobs.
var notices = regexp.MustCompile(`(?m)^\n?(\[\d+\][-+ ] +.*|\S+: line \d+: +\d+ (Hangup|Interrupt|Quit|Trace|Illegal|Aborted|Bus|Floating|Killed|User|Segm|Alarm|Terminated|Broken).*)\n`)

// plain replaces this world's paths by the variables that rows use, and drops
// bash's notices.
func (w *world) plain(s string) string {
	s = notices.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, w.socket, "$W")
	return strings.ReplaceAll(s, w.dir, "$D")
}

// idle waits until the daemon's descriptors no longer change, and returns its
// usage.
func (w *world) idle(t testing.TB) (u proc.Usage) {
	t.Helper()
	var last proc.Usage
	same := 0
	testkit.Eventually(t, "the daemon is idle", func() bool {
		u, _ = proc.Look(w.daemon.PID())
		if u.Descriptors != last.Descriptors {
			same = 0
		}
		last = u
		same++
		return same > 5
	})
	return u
}

// restored waits until the daemon has no child, and holds no more than before.
func (w *world) restored(t testing.TB, before proc.Usage) {
	t.Helper()
	var now proc.Usage
	if !testkit.Eventually(t, "the daemon is as before", func() bool {
		now, _ = proc.Look(w.daemon.PID())
		return now.Children == 0 && now.Descriptors != 0 && now.Descriptors <= before.Descriptors
	}) {
		t.Errorf("before: %+v, now: %+v", before, now)
	}
}
