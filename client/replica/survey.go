package replica

import (
	"context"
	"time"

	"rpcd/rpcd/wire"
)

// Answer is what the replica at one socket answered: Info, or Err where that is nil.
type Answer struct {
	Socket string
	Info   *Info
	Err    error
}

// Survey is List of the replicas of a worker at these sockets alone, which Sockets
// has found. Each has an answer, in the sockets' order. A replica that hasn't
// answered within d may do so later: its error is of the reason Lost.
func Survey(ctx context.Context, worker string, sockets []string, d time.Duration) []Answer {
	answers := make([]Answer, len(sockets))
	for i, a := range askAll(ctx, worker, sockets, plain(wire.TypeList, wire.TypeListing), d) {
		info, err := a.info()
		if err != nil {
			err = a.explain(worker, err, d)
		}
		answers[i] = Answer{a.socket, info, err}
	}
	return answers
}
