package rpcd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Few look at files at once; those that are stuck make way, and there is an end
// to them, too.
func TestLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookups(fewLooks)
		begin := func() func() {
			t.Helper()
			end, err := l.begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return end
		}
		var ends []func()
		began := time.Now()
		for range 3 * fewLooks {
			ends = append(ends, begin())
		}
		if d := time.Since(began); d != 2*stuck {
			t.Errorf("three times as many as may took %v, want %v", d, 2*stuck)
		}
		for range 2 {
			for _, end := range ends {
				end() // the second time it does nothing
			}
		}
		if len(l.few) != 0 || len(l.all) != 0 {
			t.Errorf("%d and %d tokens are left", len(l.few), len(l.all))
		}
		for range maxStuck {
			defer begin()()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := l.begin(ctx); err == nil {
			t.Error("there is no end to those that are stuck")
		}
		if len(l.all) != maxStuck {
			t.Errorf("%d tokens, want %d", len(l.all), maxStuck)
		}
	})
}
