package rig

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

// says is a test for Ready: the process has said the word.
func says(p *Process, word string) func() error {
	return func() error {
		if !strings.Contains(p.Log(), word) {
			return errors.New("it hasn't said " + word)
		}
		return nil
	}
}

// start starts a shell script and waits until it has said "up".
func start(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Starter{Folder: t.TempDir()}.Start("sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if err := p.Ready(says(p, "up")); err != nil {
		t.Fatal(err)
	}
	return p
}

// A server that drains on the first TERM ends on the second, and what it has
// started ends with it.
// fault: 108
func TestStop(t *testing.T) {
	p := start(t, `n=0; trap 'n=$((n + 1)); [ $n -lt 2 ] || exit 7' TERM; sleep 1000 & echo $! up; while :; do wait; done`)
	word, _, _ := strings.Cut(p.Log(), " ")
	child, err := strconv.Atoi(word)
	if err != nil || !proc.Alive(child) {
		t.Fatalf("%q: %v", p.Log(), err)
	}
	testkit.Within(t, "Stop", p.Stop)
	if err := p.Wait(); err == nil || err.Error() != "exit status 7" {
		t.Errorf("%v", err)
	}
	testkit.Eventually(t, "the child is gone", func() bool { return !proc.Alive(child) })
	p.Stop()
	p.Signal(syscall.SIGKILL)
}

// A server that doesn't become ready is ended, and its first line tells why.
func TestNotReady(t *testing.T) {
	p, err := Starter{Log: filepath.Join(t.TempDir(), "log")}.Start("sh", "-c", "echo no room; echo at all")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(says(p, "up")); err == nil || err.Error() != "sh doesn't answer: it ended: no room" {
		t.Errorf("%v", err)
	}
}

// A server ends with the process that has started it, and gets no variable of
// rpc's. This test is that process, too.
func TestTied(t *testing.T) {
	if folder := os.Getenv("RIG_TEST_FOLDER"); folder != "" {
		p, err := Starter{Log: folder + "/log"}.Start("sh", "-c", `echo $$ up "${RPC_DIR-}"; exec sleep 1000`)
		if err == nil {
			err = p.Ready(says(p, "up"))
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestTied$")
	cmd.Env = append(os.Environ(), "RIG_TEST_FOLDER="+folder, "RPC_DIR=/nowhere")
	if err := cmd.Run(); err == nil || err.Error() != "signal: killed" {
		t.Fatal(err)
	}
	text, err := os.ReadFile(folder + "/log")
	word, rest, _ := strings.Cut(string(text), " ")
	pid, _ := strconv.Atoi(word)
	if err != nil || pid == 0 || rest != "up \n" {
		t.Fatalf("%q, %v", text, err)
	}
	testkit.Eventually(t, "the server ends", func() bool { return !proc.Alive(pid) })
}

func TestListenPort(t *testing.T) {
	if port, err := listenPort(os.Getpid()); err == nil {
		t.Errorf("port %d, before there is one", port)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if port, err := listenPort(os.Getpid()); err != nil || port != listener.Addr().(*net.TCPAddr).Port {
		t.Errorf("port %d, %v; want %v", port, err, listener.Addr())
	}
}

func TestExport(t *testing.T) {
	path := t.TempDir() + "/ex"
	if err := Export(path, "sh", "/bin/true"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"sh": "/sh", "true": "/bin/true"} {
		if to, err := os.Readlink(path + "/" + name); err != nil || !strings.HasSuffix(to, want) {
			t.Errorf("%s: %q, %v", name, to, err)
		}
	}
	if Export(t.TempDir()+"/ex", "no-such-command") == nil {
		t.Error("a command that isn't there was exported")
	}
}
