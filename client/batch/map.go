package batch

import (
	"context"
	"io"
	"time"

	"rpcd/client"
	"rpcd/client/record"
)

// Map is a run over records. It can't be changed or used again after Run.
type Map struct {
	Worker    string // as on rpc's command line
	Procedure string
	Args      []string // with placeholders; without any the record is stdin
	Framing   record.Framing

	Stdin          io.Reader // the records
	Stdout, Stderr io.Writer // the results; nil: nobody wants them

	Jobs      int           // calls at once; 0: what the replicas serve at once
	Retries   int           // how often a record that was lost with its worker runs again
	Wait      time.Duration // how long to go on while no replica takes a call
	Unordered bool          // results as they come, and not in the order of the records
	Tag       bool          // the record and a tab before each line
	Halt      Halt
	Joblog    string // a file for a line on each record, or ""
	Resume    bool   // skip the records that Joblog has

	Env  []string // as of a Cmd
	Dir  string
	Call client.Options // Connections, NoQueue and RetryFor are the Map's own

	// Complain gets the error of each record whose call failed. Nothing else is called
	// meanwhile. nil: nobody wants them.
	Complain func(error)

	// Progress is called each second, and at the end. nil: nobody wants it.
	Progress func(Progress)
}

// Halt says what a failed record ends.
type Halt uint8

// The halts.
const (
	HaltNever Halt = iota
	HaltSoon       // no record is begun after it
	HaltNow        // the calls that run are ended, too
)

// Summary is how many records had a result, and how many of these failed: by another
// status than 0, or without a status.
type Summary struct{ Done, Failed uint64 }

// Progress is how far a Map has come.
type Progress struct {
	Summary
	Begun   uint64
	Elapsed time.Duration
	Read    int64 // bytes of Stdin whose records were begun
	Ended   bool  // no record comes any more: Begun is all
	Over    bool  // it is the last that is told
}

// cancelGrace is how long calls may take that are told to end: what rpcd gives by
// default. lastWait is what they get after KILL.
const (
	cancelGrace = 5 * time.Second
	lastWait    = 2 * time.Second
)

// Run makes the calls. When ctx ends no record is begun any more, running calls get
// TERM, and Run gives ctx's cause. Any other error says why not all records were
// taken: what was done before it is in the Summary. A record that fails is no error.
//
// A Stdin that says nothing isn't waited for when Run returns with an error.
func (m *Map) Run(ctx context.Context) (Summary, error) {
	r, err := newRun(m)
	if err != nil {
		return Summary{}, err
	}
	defer r.close()
	defer context.AfterFunc(ctx, func() { r.cancel(context.Cause(ctx)) })()
	r.begin()
	r.dispatch()
	r.end()
	return r.summary(), r.failure()
}
