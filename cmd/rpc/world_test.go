package main_test

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// world is a daemon with its exports, the way to it, and a folder to call
// from.
type world struct {
	dir       string // holds ex/, sock/, cwd/ and log
	socket    string // what a caller uses
	transport string
	daemon    *exec.Cmd
	path      string
}

//go:embed testdata/prelude.sh
var prelude string

// exported are the commands that rows may call.
var exported = []string{"sh", "bash", "cat", "true", "false", "yes", "head", "tail", "sleep", "sort", "echo", "printf", "env", "pwd",
	"dd", "wc", "seq", "stat", "id", "ls", "tee", "cksum", "touch", "umask", "readlink"}

// otherUser is the uid and gid of the daemon of the transport "users": nobody
// has it.
const otherUser = 54321

// startWorld starts a daemon, and a bridge where the transport is one. Both
// end with the test.
func startWorld(t testing.TB, transport string, flags ...string) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "rpcd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{dir: dir, socket: dir + "/sock/w.sock", transport: transport, path: testbin.Path(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	for _, d := range []string{"ex", "sock", "cwd"} {
		must(os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	for _, name := range exported {
		if path, err := exec.LookPath(name); err == nil {
			must(os.Symlink(path, filepath.Join(dir, "ex", name)))
		}
	}
	args := append([]string{filepath.Join(testbin.Dir(t), "rpcd"), "serve", "--listen", w.socket, "--exports", dir + "/ex", "--grace", "1s"}, flags...)
	if transport == "users" {
		must(os.Chown(dir+"/sock", otherUser, otherUser))
		id := fmt.Sprint(otherUser)
		args = append([]string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"}, args...)
	}
	w.daemon = start(t, dir+"/log", args...)
	w.await(t, w.socket)
	switch transport {
	case "bridge":
		w.bridge(t)
	case "crooked":
		w.crooked(t)
	}
	return w
}

// start starts a process in a group of its own and ends the group with the
// test, or when this process dies.
func start(t testing.TB, log string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = cleanEnvironment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if log != "" {
		f, err := os.Create(log)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	return cmd
}

// end ends a process of ours: rpcd at once, by its second TERM, together with
// its calls.
func end(cmd *exec.Cmd) {
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	for range 50 {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-done
}

// listening is what socat says of its port, again and again.
var listening = regexp.MustCompile(`listening on AF=2 127\.0\.0\.1:(\d+)`)

// bridge makes the way to the daemon a pair of real socats, and the caller's
// socket the far end.
func (w *world) bridge(t testing.TB) {
	t.Helper()
	near := exec.Command("socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork", "UNIX-CONNECT:"+w.socket)
	near.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	words, err := near.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := near.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(near) })
	port := make(chan string, 1)
	go func() { // socat says which port it got; what it says later is dropped
		lines := bufio.NewScanner(words)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				port <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, words)
	}()
	select {
	case p := <-port:
		far := w.dir + "/sock/far.sock"
		start(t, "", "socat", "UNIX-LISTEN:"+far+",fork", "TCP:127.0.0.1:"+p)
		w.socket = far
		w.await(t, far)
	case <-time.After(10 * time.Second):
		t.Fatal("socat doesn't say where it listens")
	}
}

// await waits until rpcd answers on a socket: who only connects may be there
// before rpcd holds all that it holds when idle.
func (w *world) await(t testing.TB, path string) {
	t.Helper()
	if !testkit.Eventually(t, path+" answers", func() bool {
		c, err := net.Dial("unix", path)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write(wire.Question(wire.TypePing)); err != nil {
			return false
		}
		h, err := wire.ReadHeader(c)
		if err == nil {
			_, err = wire.ReadPayload(c, h)
		}
		return err == nil
	}) {
		t.Fatalf("rpcd says:\n%s", w.log())
	}
}

// cleanEnvironment is this process's without what rpc and rpcd read.
func cleanEnvironment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "RPC") && !strings.HasPrefix(e, "LC_") && !strings.HasPrefix(e, "LANG") {
			env = append(env, e)
		}
	}
	return append(env, "LC_ALL=C")
}

// environment is what a caller gets.
func (w *world) environment() []string {
	env := append(cleanEnvironment(), "PATH="+w.path, "W="+w.socket, "T="+w.transport, "D="+w.dir,
		fmt.Sprintf("RPCD=%d", w.daemon.Process.Pid))
	if testing.Short() {
		env = append(env, "SHORT=1")
	}
	if w.transport == "none" {
		env = append(env, "RPC_PASS=none")
	}
	return env
}

// bash prepares a script with prelude.sh in front of it, in a group of its own.
func (w *world) bash(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+"\n"+script, "row")
	cmd.Dir = w.dir + "/cwd"
	cmd.Env = w.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// rpc prepares a call.
func (w *world) rpc(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(strings.Split(w.path, ":")[0], "rpc"), args...)
	cmd.Dir = w.dir + "/cwd"
	cmd.Env = w.environment()
	return cmd
}

func (w *world) log() string {
	b, _ := os.ReadFile(w.dir + "/log")
	return string(b)
}

// notices are what bash itself says of its jobs.
var notices = regexp.MustCompile(`(?m)^\n?(\[\d+\][-+ ] +.*|\S+: line \d+: +\d+ (Hangup|Interrupt|Quit|Trace|Illegal|Aborted|Bus|Floating|Killed|User|Segm|Alarm|Terminated|Broken).*)\n`)

// plain writes this world's paths as a row writes them, and drops the notices.
func (w *world) plain(s string) string {
	s = notices.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, w.socket, "$W")
	return strings.ReplaceAll(s, w.dir, "$D")
}

// idle gives the daemon's usage once it has no connection left.
func (w *world) idle(t testing.TB) (u proc.Usage) {
	t.Helper()
	var last proc.Usage
	same := 0
	testkit.Eventually(t, "the daemon is idle", func() bool {
		u, _ = proc.Look(w.daemon.Process.Pid)
		if u.Descriptors != last.Descriptors {
			same = 0
		}
		last = u
		same++
		return same > 3
	})
	return u
}

// restored waits until the daemon holds what it held before, and no child.
func (w *world) restored(t testing.TB, before proc.Usage) {
	t.Helper()
	var now proc.Usage
	if !testkit.Eventually(t, "the daemon is as before", func() bool {
		now, _ = proc.Look(w.daemon.Process.Pid)
		return now.Children == 0 && now.Descriptors != 0 && now.Descriptors <= before.Descriptors
	}) {
		t.Errorf("before: %+v, now: %+v", before, now)
	}
}
