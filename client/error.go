package client

import (
	"errors"
	"fmt"

	"rpcd/client/replica"
	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

// Error is a call that rpc couldn't bring to its end.
type Error struct {
	Outcome Outcome
	Worker  string // as the caller named it
	Text    string // one line, which names the worker
	Try     string // what to try, or a question that time may answer ("is the worker up?"); may be empty
	Started bool   // the procedure may have run; false: it is safe to call again
	Err     error  // the cause, or nil
	Reason  Reason // who or what ended the call; "": nobody did
	By      uint32 // with ReasonKill: the uid that sent the signal, or NoUID
}

// Error gives the line for people: what to try stands in parentheses.
func (e *Error) Error() string {
	if e.Try == "" {
		return e.Text
	}
	return e.Text + " (" + e.Try + ")"
}

// Unwrap gives the outcome and the cause to errors.Is.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Outcome}
	}
	return []error{e.Outcome, e.Err}
}

// Retryable reports whether the call or question that failed with err may succeed
// soon. Then nothing was started, and the worker may come up or have room later.
func Retryable(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Started {
		return false
	}
	var cause *replica.Error
	return e.Outcome == ErrBusy || e.Outcome == ErrDraining || errors.As(e.Err, &cause) && cause.MayPass()
}

func fail(o Outcome, worker string, started bool, cause error, format string, args ...any) *Error {
	return &Error{Outcome: o, Worker: worker, Text: printable.Line(fmt.Sprintf(format, args...)), Started: started, Err: cause}
}

// ofReplica makes an *Error of one of package replica. Others, as a context's,
// stay as they are. Nothing has been started.
func ofReplica(err error) error {
	var e *replica.Error
	if !errors.As(err, &e) {
		return err
	}
	outcome := reasons[e.Reason]
	var refused *wire.Refused
	if e.Reason == replica.Refused && errors.As(e.Err, &refused) {
		outcome = refusals[refused.Code]
	}
	return &Error{Outcome: outcome, Worker: e.Worker, Text: e.Text, Try: e.Try, Err: e}
}
