package sigaction

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ignored says whether the kernel has a signal of this process as ignored.
func ignored(t *testing.T, sig unix.Signal) bool {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nSigIgn:\t")
	mask, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(mask, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return bits&(1<<(sig-1)) != 0
}

// Set changes the action, and gives the one before, with which it can be set back.
func TestSet(t *testing.T) {
	const sig = unix.SIGTTOU
	own := Set(sig, Ignore)
	if !ignored(t, sig) {
		t.Error("it isn't ignored")
	}
	if before := Set(sig, Default); before != Ignore {
		t.Errorf("before it was %v, want %v", before, Ignore)
	}
	if ignored(t, sig) {
		t.Error("it is ignored by default")
	}
	Set(sig, own)
	if again := Set(sig, own); again != own {
		t.Errorf("set back to %v, it is %v", own, again)
	}
}

// Nothing keeps a signal from ending this process, and a program that it starts has
// the signal's default.
func TestNothing(t *testing.T) {
	for sig := unix.Signal(32); sig <= 34; sig++ {
		own := Set(sig, Nothing())
		for range 3 {
			if err := unix.Kill(os.Getpid(), sig); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC() // signals of the runtime's own go on
		if ignored(t, sig) {
			t.Errorf("signal %d is ignored", sig)
		}
		cmd := exec.Command("sh", "-c", `kill -`+strconv.Itoa(int(sig))+` $$; exit 1`)
		_ = cmd.Run()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != sig {
			t.Errorf("a program that gets signal %d ends by %#x", sig, status)
		}
		Set(sig, own)
	}
}
