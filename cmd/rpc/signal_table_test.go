package main_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// TestSignalTable sends each signal to a command that was started ignoring it,
// blocking it, or neither: what happens is the same for a local command and for a
// call, on each way that a call can go. Of the real-time signals it takes two.
// fault: 137 139
func TestSignalTable(t *testing.T) {
	w := startWorld(t, "passed")
	testkit.Need(t, "socat")
	bridge := w.dir + "/sock/bridge.sock"
	testbin.Bridge(t, rig.Starter{Folder: w.dir}, bridge, w.socket)
	rpc := testbin.Dir(t) + "/rpc"
	ways := map[string][]string{
		"local":   {"cat"},
		"passed":  {rpc, w.socket, "cat"},
		"none":    {rpc, "--pass", "none", w.socket, "cat"},
		"bridged": {rpc, bridge, "cat"},
	}
	for way, command := range ways {
		t.Run(way, func(t *testing.T) {
			for _, sig := range everySignal() {
				for _, caller := range []string{"default", "ignore", "block"} {
					if caller != "default" && (sig == unix.SIGKILL || sig == unix.SIGSTOP) {
						continue // sigaction(2) refuses these
					}
					t.Run(fmt.Sprintf("%d-%s", int(sig), caller), func(t *testing.T) {
						t.Parallel()
						argv := append([]string{"env", fmt.Sprintf("--%s-signal=%d", caller, int(sig))}, command...)
						if sig == unix.SIGKILL || sig == unix.SIGSTOP {
							argv = append([]string{"env"}, command...)
						}
						signalOnce(t, w, argv, sig, wantedAction(sig, caller))
					})
				}
			}
		})
	}
}

func everySignal() (all []syscall.Signal) {
	for sig := syscall.Signal(1); sig <= 31; sig++ {
		all = append(all, sig)
	}
	return append(all, 34, 50)
}

// wantedAction is what signal(7) says: "ends", "stops" or "nothing".
func wantedAction(sig syscall.Signal, caller string) string {
	switch sig {
	case unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH:
		return "nothing"
	}
	switch {
	case caller != "default":
		return "nothing"
	case sig == unix.SIGSTOP, sig == unix.SIGTSTP, sig == unix.SIGTTIN, sig == unix.SIGTTOU:
		return "stops"
	}
	return "ends"
}

// cat is a process that does what cat does.
type cat struct {
	t      *testing.T
	pid    int
	stdin  *os.File
	stdout *os.File
	stderr *os.File
}

func startCat(t *testing.T, w *world, argv []string) *cat {
	t.Helper()
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
	in, stdin := pipe()
	stdout, out := pipe()
	stderr, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stderr.Close() })
	cmd := w.rpc()
	cmd.Path = lookPath(t, "env")
	cmd.Args, cmd.Stdin, cmd.Stdout, cmd.Stderr = argv, in, out, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // not orphaned: else nothing stops it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	pid := cmd.Process.Pid
	t.Cleanup(func() { _ = unix.Kill(-pid, unix.SIGKILL) })
	_ = cmd.Process.Release() // await reaps it
	return &cat{t, pid, stdin, stdout, stderr}
}

// echoes writes a line, and reads it back.
func (c *cat) echoes(line string) bool {
	c.t.Helper()
	if _, err := c.stdin.WriteString(line + "\n"); err != nil {
		c.t.Errorf("cannot write %q to it: %v", line, err)
		return false
	}
	got := testkit.Line(c.t, c.stdout)
	if got != line {
		c.t.Errorf("it wrote %q, want %q", got, line)
	}
	return got == line
}

// await waits until it ends or stops.
func (c *cat) await() (status syscall.WaitStatus) {
	c.t.Helper()
	testkit.Within(c.t, "it ends or stops", func() {
		for {
			if _, err := syscall.Wait4(c.pid, &status, syscall.WUNTRACED, nil); err != syscall.EINTR {
				return
			}
		}
	})
	return status
}

// signalOnce starts a command that does what cat does, sends it the signal, and
// looks what becomes of it.
func signalOnce(t *testing.T, w *world, argv []string, sig syscall.Signal, wanted string) {
	c := startCat(t, w, argv)
	if !c.echoes("up") {
		return
	}
	if err := unix.Kill(c.pid, sig); err != nil {
		t.Fatal(err)
	}
	if wanted == "stops" {
		if status := c.await(); !status.Stopped() {
			t.Fatalf("it didn't stop: %#x", int(status))
		}
		_ = unix.Kill(c.pid, unix.SIGCONT)
	}
	if wanted != "ends" {
		c.echoes("on")
		c.stdin.Close()
	}
	status := c.await()
	switch {
	case wanted == "ends" && (!status.Signaled() || status.Signal() != sig):
		t.Errorf("status %#x, want an end by signal %d", int(status), int(sig))
	case wanted != "ends" && status != 0:
		t.Errorf("status %#x, want 0", int(status))
	}
	if text, err := os.ReadFile(c.stderr.Name()); err != nil || len(text) > 0 {
		t.Errorf("it said %.300q, %v", text, err)
	}
}
