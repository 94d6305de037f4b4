package client

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

// Reason is who or what ended a call that didn't end by itself, as one word (see
// PROTOCOL.md, section 3). Workers of later releases may give others than these;
// "" is none.
type Reason string

// The reasons.
const (
	ReasonCallerTimeout Reason = "caller-timeout" // Options.Timeout ran out
	ReasonWorkerTimeout Reason = "worker-timeout" // a limit of the worker's or the procedure's ran out
	ReasonDrain         Reason = "drain"          // the worker stopped
	ReasonKill          Reason = "kill"           // somebody sent a signal by Kill, or by rpc kill
	ReasonCallerLeft    Reason = "caller-left"    // the worker took the caller for gone
	ReasonMemory        Reason = "memory"         // the worker's kernel ended it for want of memory
	ReasonCrash         Reason = "crash"          // its resident worker broke off: see ErrLost
)

// NoUID is nobody's uid, (uid_t)-1: it isn't known who it was.
const NoUID = wire.NoUID

// Reason says who or what ended the procedure; "": it ended by itself, or by a
// signal of this caller's, or that isn't known.
func (s *ProcessState) Reason() Reason { return Reason(s.exit.Reason) }

// By is the uid that sent the signal, with ReasonKill; otherwise, and where it
// isn't known, NoUID. Through a bridge it is the bridge's uid.
func (s *ProcessState) By() uint32 {
	if s.exit.Reason != wire.ByKill {
		return NoUID
	}
	return s.exit.By
}

// Limit is the time limit that ran out, or with ReasonDrain the time that calls had
// to end by themselves. 0: none ran out.
func (s *ProcessState) Limit() time.Duration { return s.exit.Limit }

// Explain says in one line who or what ended the procedure, and after how long.
// It is empty for a procedure that ended by itself.
func (s *ProcessState) Explain() string {
	var text string
	what := fmt.Sprintf("%q after %s", s.procedure, ranFor(s.ran))
	limit := limitOf(s.exit.Limit)
	switch s.Reason() {
	case ReasonCallerTimeout:
		text = fmt.Sprintf("%s: your limit%s (--timeout) ended %s", s.worker, limit, what)
	case ReasonWorkerTimeout:
		text = fmt.Sprintf("%s's own limit%s ended %s", s.worker, limit, what)
	case ReasonDrain:
		text = fmt.Sprintf("%s stopped, and ended %s", s.worker, what)
		if limit != "" {
			text += fmt.Sprintf(" (drain%s ran out)", limit)
		}
	case ReasonKill:
		if w := s.Sys(); w.Signaled() {
			what = fmt.Sprintf("%q with %s after %s", s.procedure, strings.TrimPrefix(unix.SignalName(w.Signal()), "SIG"), ranFor(s.ran))
		}
		text = fmt.Sprintf("%s ended %s", killer(s.By()), what)
	case ReasonCallerLeft:
		text = fmt.Sprintf("%s took its caller for gone, and ended %s", s.worker, what)
	case ReasonMemory:
		text = fmt.Sprintf("%s ran out of memory, and its kernel ended %s (raise its limit, or run fewer calls at once)", s.worker, what)
	case "":
		if s.TimedOut() { // a worker that doesn't say whose limit
			text = fmt.Sprintf("%s: a time limit ended %s", s.worker, what)
		}
	default:
		text = fmt.Sprintf("%s ended %s (%.60s)", s.worker, what, s.Reason())
	}
	return printable.Line(text)
}

// killer names the sender of a KILL.
func killer(uid uint32) string {
	if uid == NoUID {
		return "rpc kill"
	}
	return fmt.Sprintf("rpc kill (uid %d)", uid)
}

// ranFor writes how long a procedure ran: to the tenth of a second, but hours to
// the second.
func ranFor(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// limitOf writes a limit with one unit, as it was given, behind the word that it
// belongs to. It is empty for 0, which isn't known.
func limitOf(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	for _, unit := range []struct {
		letter string
		is     time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d%unit.is == 0 {
			return fmt.Sprintf(" of %d%s", d/unit.is, unit.letter)
		}
	}
	return fmt.Sprintf(" of %v", d)
}
