package replica

import (
	"errors"
	"fmt"

	"rpcd/internal/printable"
	"rpcd/internal/reach"
	"rpcd/rpcd/wire"
)

// Reason says in one word why a worker's replicas can't be found, asked or
// connected to.
type Reason string

// The reasons.
const (
	Usage       Reason = "usage"       // no worker has such a name, or a call's id is ambiguous
	Unreachable Reason = "unreachable" // nobody serves there, or not for this user
	Refused     Reason = "refused"     // the worker says why it doesn't answer: Err is a *wire.Refused
	Lost        Reason = "lost"        // no answer, in time or at all
	Foreign     Reason = "foreign"     // the answer isn't understood
)

// Error is a worker that can't be found, asked or connected to.
type Error struct {
	Reason Reason
	Worker string // as the caller named it
	Text   string // one printable line, which names the worker
	Try    string // what to try, or a question that time may answer ("is the worker up?"); may be empty
	Err    error  // the cause, or nil
}

// Error gives the line for people: what to try stands in parentheses.
func (e *Error) Error() string {
	if e.Try == "" {
		return e.Text
	}
	return e.Text + " (" + e.Try + ")"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// errNotUp is the cause where none of several sockets answers.
var errNotUp = errors.New("not up")

// NotUp says that nobody serves there: the worker may come up.
func (e *Error) NotUp() bool {
	if e.Reason != Unreachable {
		return false
	}
	var cause *reach.Cause
	return errors.Is(e.Err, errNotUp) || errors.As(e.Err, &cause) && cause.NotUp()
}

// MayPass says that it is worth trying again: the worker may come up, have room
// soon, or be followed by another.
func (e *Error) MayPass() bool {
	var cause *reach.Cause
	var refused *wire.Refused
	switch e.Reason {
	case Unreachable:
		return e.NotUp() || errors.As(e.Err, &cause) && cause.MayPass()
	case Refused:
		return errors.As(e.Err, &refused) && (refused.Code == wire.Busy || refused.Code == wire.Draining)
	}
	return false
}

// newError makes its text printable.
func newError(r Reason, worker string, cause error, format string, args ...any) *Error {
	return &Error{Reason: r, Worker: worker, Text: printable.Line(fmt.Sprintf(format, args...)), Err: cause}
}

// unreachable explains an error of stat(2), readdir(3) or connect(2) on path.
func unreachable(worker, path string, err error) *Error {
	cause := reach.Explain(worker, path, err)
	e := newError(Unreachable, worker, cause, "cannot reach %s: %s", worker, cause.What())
	e.Try = cause.Try()
	return e
}

// is says whether err is an Error of which the condition holds.
func is(err error, condition func(*Error) bool) bool {
	var e *Error
	return errors.As(err, &e) && condition(e)
}

func mayPass(err error) bool { return is(err, (*Error).MayPass) }

func notUp(err error) bool { return is(err, (*Error).NotUp) }

// refusedWith says whether err is a refusal with that code.
func refusedWith(err error, code wire.Code) bool {
	var refused *wire.Refused
	return errors.As(err, &refused) && refused.Code == code
}
