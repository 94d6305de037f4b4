package client

import (
	"io"
	"time"
)

// Options are what a local process has no need of. The zero value is rpc's
// default.
type Options struct {
	Pass      Pass          // which files travel as descriptors
	Timeout   time.Duration // how long the procedure may run; 0: as the worker says
	RetryFor  time.Duration // how long to try again while the worker is unreachable, silent, draining or busy
	Heartbeat time.Duration // bridged or waiting: silence after which the other side is gone; 0: 30 s
	Label     string        // shown by the worker; at most 4096 bytes
	Umask     *uint32       // of the procedure; nil: this process's
	NoQueue   bool          // ErrBusy rather than a wait in the worker's queue
	ServerUID *uint32       // refuse to call unless this user listens on the socket
	Verbose   io.Writer     // gets one line before the start: replica, directory, streams

	// Connections gives the call a connection of an earlier one to the same socket,
	// and keeps it afterwards. nil: the call dials, and closes.
	Connections *Connections
}

// Pass says which of the caller's files travel as descriptors.
type Pass int

// What is passed: all but terminals; only pipes and /dev/null; nothing.
const (
	PassAll Pass = iota
	PassPipes
	PassNone
)
