package limit

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// memory gives the bytes that the runtime holds for the heap, and how often the
// program collected by itself.
func memory() (held uint64, collected uint32) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapSys - m.HeapReleased, m.NumForcedGC
}

// The memory of a burst is given back some time after its end, and not while it
// lasts.
func TestMemoryOfABurst(t *testing.T) {
	const garbage = 64 << 20
	synctest.Test(t, func(t *testing.T) {
		var b Burst
		for range 2 { // a second one is as good as the first
			for range burst {
				b.Enter()
			}
			held, collected := memory()
			runtime.KeepAlive(make([]byte, garbage))
			for range burst - burst/8 - 1 {
				b.Leave()
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if _, now := memory(); now != collected {
				t.Errorf("collected %d times while the burst lasts", now-collected)
			}
			for range burst/8 + 1 {
				b.Leave()
			}
			time.Sleep(releaseAfter - time.Nanosecond)
			synctest.Wait()
			if _, now := memory(); now != collected {
				t.Errorf("collected %d times before %v", now-collected, releaseAfter)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			now, releases := memory()
			if releases != collected+1 {
				t.Errorf("collected %d times, want 1", releases-collected)
			}
			if now > held+garbage/4 {
				t.Errorf("%d bytes are held, %d before", now, held)
			}
		}
	})
}

// What isn't a burst costs no collection.
func TestFewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Burst
		_, before := memory()
		for range 10 * burst {
			for range burst - 1 {
				b.Enter()
			}
			for range burst - 1 {
				b.Leave()
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, now := memory(); now != before {
			t.Errorf("collected %d times", now-before)
		}
	})
}
