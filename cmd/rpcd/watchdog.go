package main

import (
	"errors"
	"fmt"
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// answers asks whether rpcd still answers within d, over a connection like a
// caller's that serve serves and closes. An answer takes goroutines, the server's
// locks and the wire: all that a stuck daemon lacks. A refusal is an answer, and
// a shortage of descriptors is no failure.
//
// starting says for how long the start of a call has gone on. Longer than d is a
// failure, too: one start holds up all others.
func answers(serve func(*fdconn.Conn), starting func() time.Duration, d time.Duration) error {
	if hung := starting(); hung > d {
		return fmt.Errorf("a call's start has gone on for %v", hung.Round(time.Millisecond))
	}
	theirs, ours, err := fdconn.Pair()
	if err != nil {
		return nil
	}
	asks := talk.NewConn(ours)
	defer asks.Close()
	go serve(theirs)
	_, err = talk.Ask(asks, talk.Question{Frame: wire.Question(wire.TypePing), Answer: wire.TypePong}, d)
	if refused := (*wire.Refused)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}
