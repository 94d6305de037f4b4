package main

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/cmd/rpc/entry"
	"rpcd/internal/door"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// adoptSent lets cmd go on with the call that the entry has sent, if it has. ready is
// called when signals reach that call, with those that came in the entry.
func adoptSent(cmd *client.Cmd, ready func(came ...syscall.Signal)) (bool, error) {
	sent, ok := entry.Take()
	if !ok {
		return false, nil
	}
	lost := func(err error) error {
		return &client.Error{Outcome: client.ErrLost, Started: true, Text: fmt.Sprintf("cannot go on with the call to %s: %v", cmd.Worker, err)}
	}
	header, err := wire.ParseHeader(sent.Frame)
	if err != nil {
		unix.Close(sent.FD)
		return false, lost(err)
	}
	message, err := wire.ParseCall(header.Flags, sent.Frame[wire.HeaderLen:])
	if err != nil {
		unix.Close(sent.FD)
		return false, lost(err)
	}
	conn, err := fdconn.Adopt(sent.FD)
	if err != nil {
		return false, lost(err)
	}
	var came []syscall.Signal
	for _, sig := range sent.Signals {
		came = append(came, syscall.Signal(sig))
	}
	door.Of(cmd).Adopt(door.Sent{
		Conn: conn, Socket: sent.Socket, Call: message, Read: sent.Read,
		At: monotonic(sent.At), Started: monotonic(sent.Started), Ready: func() { ready(came...) },
	})
	return true, nil
}

// monotonic makes a time of CLOCK_MONOTONIC's nanoseconds; 0 is the zero time.
func monotonic(ns int64) time.Time {
	var now unix.Timespec
	if ns == 0 || unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(ns - now.Nano()))
}
