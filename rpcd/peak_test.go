package rpcd

import (
	"runtime"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// The memory of a rush is given back some time after its end, and not while it
// lasts.
func TestMemoryOfARush(t *testing.T) {
	var p peak
	for range rush {
		p.enter()
	}
	garbage := make([][]byte, 64)
	for i := range garbage {
		garbage[i] = make([]byte, 1<<20)
	}
	runtime.KeepAlive(garbage)
	garbage = nil
	p.leave()
	if p.due || heap() < rushHeap {
		t.Fatalf("due %v with %d connections, heap %d", p.due, p.n, heap())
	}
	for range rush - 1 {
		p.leave()
	}
	testkit.Within(t, "the memory is given back", func() {
		for heap() > rushHeap {
			time.Sleep(10 * time.Millisecond)
		}
	})
}
