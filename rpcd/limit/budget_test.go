package limit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// One user may take half, and what is given back is there again.
// fault: 92
func TestBudgetIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(100)
		take := func(uid uint32, n int64) *Loan {
			t.Helper()
			loan, err := b.Take(t.Context(), uid, n)
			if err != nil {
				t.Fatal(err)
			}
			return loan
		}
		wantNone := func(what string, uid uint32, n int64) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			if _, err := b.Take(ctx, uid, n); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", what, err)
			}
		}
		wantNone("more than half at once", 1, 51)
		first := take(1, 50)
		wantNone("more than half", 1, 1)
		second := take(2, 50)
		wantNone("more than all", 3, 1)
		first.Keep(20)
		first.Keep(40) // it can't grow
		take(3, 30).Give()
		wantNone("what the first user keeps", 3, 31)
		first.Give()
		first.Give() // once is enough
		first.Keep(1)
		take(3, 50).Give()
		wantNone("what the second user has", 2, 1)
		time.AfterFunc(time.Minute, second.Give)
		take(2, 50).Give() // it waits for that
		if len(b.users) != 0 {
			t.Errorf("%d users are remembered", len(b.users))
		}
	})
}
