package child

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// limitedMemory moves this process to a new cgroup of v1 in which there is little
// memory. With v2 no process stands above a cgroup that has the controller; there
// the containers' test out_of_memory says the same.
func limitedMemory(t *testing.T) {
	t.Helper()
	const root = "/sys/fs/cgroup/memory"
	dir := fmt.Sprintf("%s/rpcd-test-%d", root, os.Getpid())
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("no cgroup of v1 can be made: %v", err)
	}
	enter := func(dir string) error { return os.WriteFile(dir+"/cgroup.procs", []byte("0"), 0) }
	limit := []byte("64M")
	if err := errors.Join(os.WriteFile(dir+"/memory.limit_in_bytes", limit, 0), enter(dir)); err != nil {
		_ = os.Remove(dir)
		t.Fatal(err)
	}
	_ = os.WriteFile(dir+"/memory.memsw.limit_in_bytes", limit, 0) // there may be no swap
	t.Cleanup(func() {
		if err := errors.Join(enter(root), os.Remove(dir)); err != nil {
			t.Error(err)
		}
	})
}

// A child that the kernel kills for want of memory is told from one that somebody
// else kills, also where that is a later one.
// fault: 21
func TestOutOfMemory(t *testing.T) {
	if !alone(t) {
		return
	}
	limitedMemory(t)
	memory.open()
	meanwhile := start(t, shell(t, nil, "exec sleep 1000"))
	for _, c := range []struct {
		script string
		want   bool
	}{
		{"kill -KILL $$", false},
		{"exec tail /dev/zero", true},
		{"kill -KILL $$", false},
		{"tail /dev/zero; exit 137", true},
		{"tail /dev/zero & wait; kill -KILL $$", true},
		{"kill -KILL $$", false},
	} {
		ch := start(t, shell(t, nil, c.script))
		st := wait(t, ch)
		if got := ch.OutOfMemory(); got != c.want || st.Wait != uint32(unix.SIGKILL) && st.Wait != 137<<8 {
			t.Errorf("%q: %v, status %#x", c.script, got, st.Wait)
		}
		end(ch, 0)
	}
	// Each kill is explained once, although this child was there for them all.
	meanwhile.Signal(unix.SIGKILL)
	wait(t, meanwhile)
	if meanwhile.OutOfMemory() {
		t.Error("the end of another child is taken for this one's")
	}
	end(meanwhile, 0)
	// Nobody asks why this one failed.
	ch := start(t, shell(t, nil, "tail /dev/zero; exit 1"))
	wait(t, ch)
	end(ch, 0)
	ch = start(t, shell(t, nil, "kill -KILL $$"))
	wait(t, ch)
	if ch.OutOfMemory() {
		t.Error("the end of an earlier child is taken for this one's")
	}
	end(ch, 0)
}
