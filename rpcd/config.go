// Package rpcd is the daemon of a worker: it accepts calls on a socket and
// runs procedures for them. What may be called is export's, what a process is
// child's, what the bytes mean wire's.
package rpcd

import (
	"os"
	"strconv"
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
	Workdir   string        // where calls start whose directory isn't shared; "": refused
	Keep      bool          // what a call leaves in its process group lives on
	Activated bool          // the sockets stay when we go: what we don't accept waits for a successor
	RunAs     bool          // calls run as their callers; after child.RunAs
	Log       hclog.Logger
}

// The defaults of rpcd's flags.
const (
	DefaultMaxCalls  = 1024
	DefaultQueue     = 1024
	DefaultQueueWait = 60 * time.Second
	DefaultGrace     = 5 * time.Second
	DefaultDrain     = 4 * time.Second
)

// Self gives what export's checks need to know of rpcd.
func Self() export.Owner {
	return export.Owner{
		UID: uint32(os.Geteuid()),
		GID: uint32(os.Getegid()),
		// Of a unit's process systemd says so since 248 (systemd.exec(5)); what
		// a unit starts in its turn has another pid.
		OwnMounts: os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()),
		PATH:      os.Getenv("PATH"),
	}
}
