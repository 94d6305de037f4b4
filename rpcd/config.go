// Package rpcd is the daemon of a worker: it accepts calls on a socket and runs
// procedures for them. It joins the packages below, and decides nothing that one
// of them could: export says what may be called, limit which calls wait, run how
// a procedure runs, talk what is said of a call.
//
// server.go accepts. conn.go reads first frames, and routes.go hands each to the
// function that serves it. call.go is the life of a call. drain.go ends all calls
// when the daemon stops.
package rpcd

import (
	"time"

	"github.com/hashicorp/go-hclog"

	"rpcd/rpcd/export"
)

// Config is how a Server serves.
type Config struct {
	Name      string        // of the worker
	Version   string        // of the software
	Source    export.Source // what may be called
	Allow     export.Rules  // callers that may call at all
	MaxCalls  int           // running at once
	Queue     int           // waiting at once
	QueueWait time.Duration // how long a call may wait
	Grace     time.Duration // between TERM and KILL
	Timeout   time.Duration // of the longest call; 0: none
	Workdir   string        // where calls start whose directory isn't shared; "": they are refused
	Keep      bool          // what a call leaves in its process group lives on
	Activated bool          // the sockets outlive us: a successor serves callers that we don't accept
	RunAs     bool          // calls run as their callers; child.RunAs was called
	Log       hclog.Logger
}
