package child

import (
	"testing"
)

// What a child inherits of this process isn't taken for the child's own, however
// much this process had before. What is more than that is the child's.
func TestOwnMemory(t *testing.T) {
	if testing.Short() { // as the race detector's tests are, whose own memory hides the procedure's
		t.Skip("SKIPPED: needs this process's memory as it is")
	}
	if !alone(t) {
		return
	}
	memory := func(script string) uint64 {
		c := start(t, shell(t, nil, script))
		st := wait(t, c)
		end(c, 0)
		return st.MaxRSS
	}
	large := make([]byte, 64<<20)
	for i := range large {
		large[i] = byte(i)
	}
	for _, script := range []string{":", ":", "dd if=/dev/zero of=/dev/null bs=48M count=1 2>/dev/null"} {
		if kib := memory(script); kib != 0 {
			t.Errorf("%q had %d KiB, which are this process's", script, kib)
		}
	}
	if kib := memory("dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null"); kib < 128<<10 || kib > 140<<10 {
		t.Errorf("128 MiB are %d KiB", kib)
	}
	if peak := memoryPeak(); peak < uint64(len(large)>>10) || peak > 256<<10 {
		t.Errorf("this process had %d KiB", peak)
	}
}
