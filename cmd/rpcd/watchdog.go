package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// answers asks, over a connection like a caller's, whether what serves it (and
// closes it) still answers within d: that takes goroutines, the server's locks
// and the wire, all that a stuck daemon lacks. And no call's start may have gone
// on for longer than d: it holds up all others. A shortage of descriptors isn't
// being stuck, and nor is a refusal.
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
		return err // who refuses at once has closed already: its words are there
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
