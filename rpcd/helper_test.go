package rpcd

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rpcd/rpcd/child/leader"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

func TestMain(m *testing.M) {
	if leader.Is(os.Args) {
		os.Exit(leader.Main(os.Args))
	}
	goleak.VerifyTestMain(m)
}

// code gives the code of a refusal. It is 0 for another error and for nil.
func code(err error) wire.Code {
	var r *wire.Refused
	if errors.As(err, &r) {
		return r.Code
	}
	return 0
}

// wantLoad checks how many calls run and wait.
func wantLoad(t *testing.T, s *Server, running, waiting uint32) {
	t.Helper()
	if l := s.Load(); l.Running != running || l.Waiting != waiting {
		t.Errorf("%d running, %d waiting; want %d, %d", l.Running, l.Waiting, running, waiting)
	}
}

// isFree reports whether a budget of size bytes is all free. It takes the whole
// budget for a moment, as two unused uids, since one may have only half.
func isFree(b *limit.Budget, size int64) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	for uid := range uint32(2) {
		loan, err := b.Take(ctx, 1<<31+uid, size/2)
		if err != nil {
			return false
		}
		defer loan.Give()
	}
	return true
}
