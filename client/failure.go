package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"rpcd/client/internal/caller"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// explainStart makes an error for people of a call that didn't get as far as
// STARTED.
func (k *call) explainStart(ctx context.Context, err error) error {
	hold := k.Hold()
	torn := errors.Is(err, io.ErrUnexpectedEOF)
	ended := torn || errors.Is(err, io.EOF) || talk.Gone(err)
	switch silent := errors.Is(err, os.ErrDeadlineExceeded); {
	case hold == talk.Held && (ended || silent), hold == talk.HeldIfBridged && ended && k.conn.IsBridged(ctx):
		return ofReplica(k.conn.Ended(k.worker(), k.answered || torn, k.silence(), err))
	}
	err = k.explain(err, "before it answered")
	var e *Error
	if hold == talk.Held && errors.As(err, &e) {
		e.Started = false
	}
	return err
}

// silence is how long a worker that has answered may say nothing.
func (k *call) silence() time.Duration { return wire.HeartbeatOf(k.Call.Heartbeat) }

// explain makes an error for people of a call that got no answer or no end. when
// says how far it came.
func (k *call) explain(err error, when string) error {
	w := k.worker()
	var refused *wire.Refused
	switch {
	case errors.As(err, &refused):
		return k.refused(refused)
	case errors.Is(err, talk.ErrUnanswered):
		return fail(ErrCanceled, w, true, os.ErrDeadlineExceeded, "%s was told to end %q and says nothing (is it frozen?)", w, k.cmd.Procedure)
	case errors.Is(err, talk.ErrNotStarted):
		return fail(ErrLost, w, true, os.ErrDeadlineExceeded, "%s didn't start %q after its wait in the queue (is it frozen?)", w, k.cmd.Procedure)
	case errors.Is(err, talk.ErrLate) && k.exit != nil:
		e := fail(ErrTimeout, w, true, nil, "your limit%s ran out before the output of %q was taken (who reads it?)", limitOf(k.Call.Timeout), k.cmd.Procedure)
		e.Reason = ReasonCallerTimeout
		return e
	case errors.Is(err, talk.ErrLate):
		e := fail(ErrTimeout, w, true, nil, "%s didn't end %q when your limit%s ran out (is it frozen?)", w, k.cmd.Procedure, limitOf(k.Call.Timeout))
		e.Reason = ReasonCallerTimeout
		return e
	case errors.Is(err, wire.ErrProtocol):
		return fail(ErrProtocol, w, true, err, "%s doesn't speak rpc's protocol: %v (is %q an rpcd's socket?)", w, err, k.conn.Path)
	case errors.Is(err, os.ErrDeadlineExceeded) && k.answered:
		return fail(ErrLost, w, true, err, "%s has said nothing for %v (is it frozen, or the bridge cut?)", w, k.silence())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(ErrLost, w, true, err, "%s says nothing (is it frozen, or the bridge cut?)", w)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), talk.Gone(err):
		return fail(ErrLost, w, true, err, "lost the connection to %s %s (did rpcd or the bridge end?)", w, when)
	}
	return fail(ErrLost, w, true, err, "lost the connection to %s %s: %v", w, when, err)
}

// refused makes an error of a call's refusal.
func (k *call) refused(m *wire.Refused) error {
	if m.Reason == wire.CanceledByKill && m.Code == wire.Canceled {
		e := fail(ErrCanceled, k.worker(), false, m, "%q was cancelled by %s while it waited for %s", k.cmd.Procedure, killer(m.By), k.worker())
		e.Reason, e.By = ReasonKill, m.By
		return e
	}
	text := k.worker() + " " + m.Error()
	if dir := k.Call.Dir; dir.Proven && m.Code == wire.NoDirectory && m.Reason == wire.NotShared {
		text = fmt.Sprintf("%q here isn't %s's %q (not a shared volume): cd to one, or give -C DIR", dir.Name, k.worker(), dir.Name)
		if _, err := caller.Directory(""); dir.Name == "" && err != nil {
			text = fmt.Sprintf("cannot call %s from here: %v (cd to another, or give -C DIR)", k.worker(), err)
		}
	}
	return fail(refusals[m.Code], k.worker(), false, m, "%s", text)
}

// leavesConnection says whether err is a refusal behind which the worker reads
// the connection's next first frame. By PROTOCOL.md, section 1, each refusal is.
// But a worker closes after those that turn a connection away (denied, busy,
// draining, protocol), and the caller cannot tell which of these do.
func leavesConnection(err error) bool {
	var m *wire.Refused
	if !errors.As(err, &m) {
		return false
	}
	switch m.Code {
	case wire.Unknown, wire.NotExecutable, wire.TooLong, wire.NoDirectory, wire.Canceled:
		return true
	}
	return false
}
