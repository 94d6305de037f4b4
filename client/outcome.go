package client

import (
	"rpcd/client/replica"
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
	ErrUnknown       Outcome = "unknown"        // no such procedure, or no such call
	ErrNotExecutable Outcome = "not-executable" // the procedure can't be run
	ErrTooLong       Outcome = "too-long"       // arguments over the kernel's limit
	ErrNoDirectory   Outcome = "no-directory"   // the directory isn't shared
	ErrBusy          Outcome = "busy"           // the worker runs and queues as many calls as it may
	ErrDraining      Outcome = "draining"       // the worker is ending
	ErrFailed        Outcome = "failed"         // the worker's own trouble: no process, no descriptors
	ErrUnreachable   Outcome = "unreachable"    // nobody serves there, or not for us
	ErrProtocol      Outcome = "protocol"       // the other side isn't understood
	ErrLost          Outcome = "lost"           // the connection ended before the call
	ErrWrite         Outcome = "write-error"    // a relayed output couldn't be written
	ErrUsage         Outcome = "usage"          // the call makes no sense
	ErrCanceled      Outcome = "canceled"       // by a signal or context, before the start
)

// Error makes an outcome a sentinel error.
func (o Outcome) Error() string { return string(o) }

// refusals are the outcomes of calls and questions that a worker refuses.
var refusals = map[wire.Code]Outcome{
	wire.Denied:        ErrDenied,
	wire.Unknown:       ErrUnknown,
	wire.NotExecutable: ErrNotExecutable,
	wire.TooLong:       ErrTooLong,
	wire.NoDirectory:   ErrNoDirectory,
	wire.Busy:          ErrBusy,
	wire.Draining:      ErrDraining,
	wire.Canceled:      ErrCanceled,
	wire.Protocol:      ErrProtocol,
	wire.Failed:        ErrFailed,
}

// reasons are the outcomes of what package replica couldn't do, but for refusals.
var reasons = map[replica.Reason]Outcome{
	replica.Usage:       ErrUsage,
	replica.Unreachable: ErrUnreachable,
	replica.Lost:        ErrLost,
	replica.Foreign:     ErrProtocol,
}
