package child

import (
	"os"
	"testing"

	"rpcd/rpcd/child/cgroup"
)

// The process has the threads afterwards: as many as the limit of processes allows.
func TestPrestartThreads(t *testing.T) {
	if !alone(t) {
		return
	}
	PrestartThreads()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	want := prestarted
	if limit := processLimit(); limit > 0 {
		want = min(want, limit/4)
	}
	if len(tasks) < want {
		t.Errorf("%d threads, want %d at least", len(tasks), want)
	}
	if limit, pids := processLimit(), cgroup.PidsMax(); pids > 0 && (limit <= 0 || limit > pids) {
		t.Errorf("the limit is %d, though the cgroups say %d", limit, pids)
	}
}
