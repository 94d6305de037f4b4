package rpcd

import (
	"context"
	"errors"
	"testing"
)

// One user may take half, and what is given back is there again.
// fault: 92
func TestMemoryIsShared(t *testing.T) {
	m := newMemory(100)
	over, cancel := context.WithCancel(t.Context())
	cancel() // who would have to wait gets nothing
	take := func(ctx context.Context, uid uint32, n int64) func() {
		t.Helper()
		give, err := m.take(ctx, uid, n)
		if err != nil {
			t.Fatal(err)
		}
		return give
	}
	a := take(t.Context(), 1, 50)
	if _, err := m.take(over, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("more than half: %v", err)
	}
	b := take(t.Context(), 2, 50)
	if _, err := m.take(over, 3, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("more than all: %v", err)
	}
	a()
	a() // once is enough
	take(t.Context(), 3, 50)()
	b()
	if len(m.users) != 0 {
		t.Errorf("%d users are remembered", len(m.users))
	}
}
