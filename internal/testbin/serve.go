package testbin

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rpcd/internal/rig"
	"rpcd/internal/testkit"
)

// Environment is this process's without what rpc and rpcd read, and with the
// words of the C locale. It has no SHELL, as a container's. RPCD_TEST_ENTRY=off has rpc make no call before Go's runtime.
func Environment() []string {
	env := slices.DeleteFunc(rig.Environment(), func(entry string) bool {
		return strings.HasPrefix(entry, "LC_") || strings.HasPrefix(entry, "LANG") || strings.HasPrefix(entry, "SHELL=")
	})
	return append(env, "LC_ALL=C", "RPC_TEST_ENTRY="+os.Getenv("RPCD_TEST_ENTRY"))
}

// Serve starts a worker with the real rpcd, which ends with the test, and waits
// until it answers.
func Serve(t testing.TB, s rig.Starter, socket string, flags ...string) *rig.Process {
	t.Helper()
	s.Env = Environment()
	worker, err := s.Serve(filepath.Join(Dir(t), "rpcd"), socket, flags...)
	if err != nil {
		if s.Log != "" {
			log, _ := os.ReadFile(s.Log)
			t.Logf("rpcd says:\n%s", log)
		}
		t.Fatal(err)
	}
	t.Cleanup(worker.Stop)
	return worker
}

// Bridge joins a new socket, near, to a worker's, until the test ends.
func Bridge(t testing.TB, s rig.Starter, near, socket string) *rig.Bridge {
	t.Helper()
	testkit.Need(t, "socat")
	s.Env = Environment()
	bridge, err := s.Bridge(near, socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bridge.Stop)
	return bridge
}
