package batch

import (
	"errors"
	"fmt"
)

// Usage is an error in how a Map is set.
type Usage struct{ Text string }

func (e *Usage) Error() string { return e.Text }

var (
	errNoText = &Usage{"cannot put a record into an argument or before a line: its framing isn't lines or nul"}
	errNoLog  = &Usage{"cannot resume without a log of jobs (--joblog FILE names it)"}
)

// errStopped says that a record wasn't tried, since the run is being ended.
var errStopped = errors.New("stopped")

// HaltError says that a failed record stopped a Map with a Halt.
type HaltError struct {
	Number uint64 // of the record, from 1
}

func (e *HaltError) Error() string {
	return fmt.Sprintf("record %d failed: no more are begun (--halt)", e.Number)
}

// RecordError is a record whose call failed, or whose result can't be used.
type RecordError struct {
	Number uint64 // of the record, from 1
	Err    error
}

func (e *RecordError) Error() string { return fmt.Sprintf("record %d: %v", e.Number, e.Err) }

func (e *RecordError) Unwrap() error { return e.Err }
