package sigaction

import (
	"os"
	"strconv"
	"strings"
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
