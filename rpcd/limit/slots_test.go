package limit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// takeSlot takes a slot, however long that takes.
func takeSlot(t *testing.T, s *Slots, uid uint32) (give func()) {
	t.Helper()
	give, err := s.Take(t.Context(), uid)
	if err != nil {
		t.Fatal(err)
	}
	return give
}

// slotIn says whether a slot can be had within d, and gives it back.
func slotIn(t *testing.T, s *Slots, uid uint32, d time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	give, err := s.Take(ctx, uid)
	if err == nil {
		give()
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("take: %v", err)
	}
	return err == nil
}

// wantNothingLeft fails where look-ups are counted that have ended.
func wantNothingLeft(t *testing.T, s *Slots) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young != 0 || s.all != 0 || len(s.users) != 0 || len(s.waiting) != 0 {
		t.Errorf("left: %+v", s)
	}
}

// Few look-ups run at once; those that hang give their slots away.
func TestSlots(t *testing.T) {
	const few = 8
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(few)
		var gives []func()
		began := time.Now()
		for i := range 3 * few {
			gives = append(gives, takeSlot(t, s, uint32(i%2)))
		}
		if d := time.Since(began); d != 2*stuckAfter {
			t.Errorf("three times as many as may took %v, want %v", d, 2*stuckAfter)
		}
		if slotIn(t, s, 2, stuckAfter/2) {
			t.Error("there are more slots than few")
		}
		gives[len(gives)-1]()
		if !slotIn(t, s, 2, stuckAfter/4) {
			t.Error("a slot that was given back can't be had")
		}
		for range 2 {
			for _, give := range gives {
				give() // the second time it does nothing
			}
		}
		wantNothingLeft(t, s)
	})
}

// A user whose look-ups hang leaves a slot to the others at once, and gets no more
// than a bound.
// fault: 134
func TestStuckSlotsOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(8)
		gives := make(chan func(), MaxStuckOfOne)
		for range MaxStuckOfOne {
			go func() { gives <- takeSlot(t, s, 1) }()
		}
		synctest.Wait()
		if !slotIn(t, s, 2, time.Nanosecond) {
			t.Error("another user has to wait")
		}
		time.Sleep(time.Minute)
		var stuck *StuckError
		if _, err := s.Take(t.Context(), 1); !errors.As(err, &stuck) || stuck.Lookups != MaxStuckOfOne {
			t.Errorf("one more: %v", err)
		}
		for range MaxStuckOfOne {
			(<-gives)()
		}
		if !slotIn(t, s, 1, time.Nanosecond) {
			t.Error("the user can't go on")
		}
		wantNothingLeft(t, s)
	})
}

// The number of look-ups that hang has a bound, too.
func TestStuckSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(8)
		var last func()
		for i := range MaxStuck {
			last = takeSlot(t, s, uint32(i))
			defer last()
		}
		for range 2 { // a caller that gave up has left nothing behind
			if slotIn(t, s, MaxStuck, time.Hour) {
				t.Error("the number of look-ups that hang has no bound")
			}
		}
		last()
		if !slotIn(t, s, MaxStuck, time.Hour) {
			t.Error("a look-up has ended, and another can't begin")
		}
	})
}
