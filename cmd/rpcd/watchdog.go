package main

import (
	"errors"
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// answers asks whether rpcd still answers within d, over a connection like a
// caller's that serve serves and closes. An answer takes goroutines, the server's
// locks and the wire: all that a stuck daemon lacks. A refusal is an answer, and
// a shortage of descriptors is no failure.
func answers(serve func(*fdconn.Conn), d time.Duration) error {
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
