package journal

import (
	"sync/atomic"
	"syscall"
	"time"

	"rpcd/rpcd/wire"
)

// Counters are a server's sums since its start. Only calls that were started
// count as calls. PONG and LISTING tell them, which is what monitoring will read
// (Prometheus text: cmd/rpc/stats.go).
type Counters struct {
	Refused                         atomic.Uint64
	calls, lost, timedOut, signaled atomic.Uint64
}

// Count adds a call that has ended. lost says that its caller didn't get the
// status. One whose resident worker broke off has none.
func (n *Counters) Count(e *wire.Exit, lost bool) {
	n.calls.Add(1)
	if lost || e.Reason == wire.Crashed {
		n.lost.Add(1)
	}
	if e.Flags&wire.ExitTimeout != 0 {
		n.timedOut.Add(1)
	}
	if syscall.WaitStatus(e.Status).Signaled() {
		n.signaled.Add(1)
	}
}

// AddServed adds calls that a resident worker has served by itself.
func (n *Counters) AddServed(s *wire.Sums) {
	n.calls.Add(s.Served)
	n.lost.Add(s.Lost)
}

// Sums gives them as PONG and LISTING tell them.
func (n *Counters) Sums(up time.Duration) wire.Counters {
	return wire.Counters{
		Calls:    n.calls.Load(),
		Refused:  n.Refused.Load(),
		Lost:     n.lost.Load(),
		TimedOut: n.timedOut.Load(),
		Signaled: n.signaled.Load(),
		Up:       up,
	}
}
