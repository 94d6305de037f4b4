// Package rpcd is the daemon of a worker: it accepts calls on a socket and runs
// procedures for them. It is where the rooms below are joined, and decides
// nothing that one of them could. What may be called is package export's, how it
// runs package run's, who waits package limit's, the words of a call package
// talk's.
//
// server.go accepts, conn.go reads first frames, routes.go says who serves them,
// call.go is the life of a call, drain.go its end when the daemon stops.
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
	Allow     export.Rules  // who may call at all
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
