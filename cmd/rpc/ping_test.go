package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// All of ping --wait is used: the last try is at its end.
// fault: 119
func TestPingsWaitIsUsed(t *testing.T) {
	t.Setenv("RPC_DIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{0, time.Millisecond, time.Second, time.Minute} {
			began := time.Now()
			if _, err := pingUntil("never", began.Add(d)); err == nil {
				t.Error("a worker answers that isn't there")
			}
			if took := time.Since(began); took != d {
				t.Errorf("tried for %v, not %v", took, d)
			}
		}
	})
}
