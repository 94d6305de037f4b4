package client

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Outcome is how a call ended, as one word. As an error it is a sentinel for
// errors.Is.
type Outcome string

// The outcomes. Exited and Signaled are the procedure's own end; all others
// are errors of the call.
const (
	Exited           Outcome = "exited"
	Signaled         Outcome = "signaled"
	ErrTimeout       Outcome = "timeout"        // a time limit ended it
	ErrDenied        Outcome = "denied"         // this caller, or this variable, isn't admitted
	ErrUnknown       Outcome = "unknown"        // no such procedure
	ErrNotExecutable Outcome = "not-executable" // the procedure can't be run
	ErrTooLong       Outcome = "too-long"       // arguments over the kernel's limit
	ErrNoDirectory   Outcome = "no-directory"   // the directory isn't shared
	ErrBusy          Outcome = "busy"           // all places and the queue are taken
	ErrDraining      Outcome = "draining"       // the worker is ending
	ErrUnreachable   Outcome = "unreachable"    // nobody serves there, or not for us
	ErrProtocol      Outcome = "protocol"       // the other side isn't understood
	ErrLost          Outcome = "lost"           // the connection ended before the call
	ErrWrite         Outcome = "write-error"    // a relayed output couldn't be written
	ErrUsage         Outcome = "usage"          // the call makes no sense
	ErrCanceled      Outcome = "canceled"       // by a signal or context, before the start
)

// Error makes an outcome a sentinel error.
func (o Outcome) Error() string { return string(o) }

// Error is a call that rpc couldn't bring to its end.
type Error struct {
	Outcome Outcome
	Worker  string // as the caller named it
	Text    string // one line, which names the worker
	Started bool   // the procedure may have run; false: it is safe to call again
	Err     error  // the cause, or nil
}

// Error gives the line for people.
func (e *Error) Error() string { return e.Text }

// Unwrap gives the outcome and the cause to errors.Is.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Outcome}
	}
	return []error{e.Outcome, e.Err}
}

// outcomes of refusals.
var outcomes = map[wire.Code]Outcome{
	wire.Denied:        ErrDenied,
	wire.Unknown:       ErrUnknown,
	wire.NotExecutable: ErrNotExecutable,
	wire.TooLong:       ErrTooLong,
	wire.NoDirectory:   ErrNoDirectory,
	wire.Busy:          ErrBusy,
	wire.Draining:      ErrDraining,
	wire.Canceled:      ErrCanceled,
	wire.Protocol:      ErrProtocol,
	wire.Failed:        ErrUnreachable,
}

// Again reports whether what failed so may be tried again: nothing was started,
// and the worker may come up, end or have room soon.
func Again(err error) bool {
	var e *Error
	return errors.As(err, &e) && !e.Started && (e.Outcome == ErrBusy || e.Outcome == ErrDraining || e.temporary())
}

// temporary: nobody serves there yet, or its queue of connections is full.
func (e *Error) temporary() bool {
	return e.Outcome == ErrUnreachable && (errors.Is(e.Err, errNotUp) || errors.Is(e.Err, unix.EAGAIN))
}

var errNotUp = errors.New("not up")

func fail(o Outcome, worker string, started bool, cause error, format string, args ...any) *Error {
	return &Error{Outcome: o, Worker: worker, Text: Clean(fmt.Sprintf(format, args...)), Started: started, Err: cause}
}
