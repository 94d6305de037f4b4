package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
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
	defer ours.Close()
	if err := ours.SetDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	go serve(theirs)
	if err := ours.WriteFrame(wire.Question(wire.TypePing)); err != nil && !errors.Is(err, unix.EPIPE) {
		return err // EPIPE: a refusal came at once, and is still to be read
	}
	h, err := wire.ReadHeader(ours)
	if err != nil {
		return err
	}
	if h.Type != wire.TypePong && h.Type != wire.TypeRefused {
		return fmt.Errorf("a %v frame as an answer", h.Type)
	}
	_, err = wire.ReadPayload(ours, h)
	return err
}
