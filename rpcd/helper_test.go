package rpcd

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"rpcd/rpcd/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// code gives a refusal's code, or 0 for another error, or none.
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
