package limit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// takeSlot takes a slot, however long that takes.
func takeSlot(t *testing.T, s *Slots) (give func()) {
	t.Helper()
	give, err := s.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return give
}

// slotIn says whether a slot can be had within d, and gives it back.
func slotIn(t *testing.T, s *Slots, d time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	give, err := s.Take(ctx)
	if err == nil {
		give()
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("take: %v", err)
	}
	return err == nil
}

// Few look-ups run at once; those that hang give their slots away.
func TestSlots(t *testing.T) {
	const few = 8
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(few)
		var gives []func()
		began := time.Now()
		for range 3 * few {
			gives = append(gives, takeSlot(t, s))
		}
		if d := time.Since(began); d != 2*stuckAfter {
			t.Errorf("three times as many as may took %v, want %v", d, 2*stuckAfter)
		}
		if slotIn(t, s, stuckAfter/2) {
			t.Error("there are more slots than few")
		}
		gives[len(gives)-1]()
		if !slotIn(t, s, stuckAfter/4) {
			t.Error("a slot that was given back can't be had")
		}
		for range 2 {
			for _, give := range gives {
				give() // the second time it does nothing
			}
		}
		if len(s.few) != 0 || len(s.all) != 0 {
			t.Errorf("%d and %d tokens are left", len(s.few), len(s.all))
		}
	})
}

// The number of look-ups that hang has a bound, too.
func TestStuckSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(8)
		var last func()
		for range MaxStuck {
			last = takeSlot(t, s)
			defer last()
		}
		for range 2 { // a caller that gave up has left nothing behind
			if slotIn(t, s, time.Hour) {
				t.Error("the number of look-ups that hang has no bound")
			}
		}
		last()
		if !slotIn(t, s, time.Hour) {
			t.Error("a look-up has ended, and another can't begin")
		}
	})
}
