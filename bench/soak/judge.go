package main

import (
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// fault is one fault of a worker, with its time.
type fault struct {
	what     cause
	worker   int
	from, to time.Time // to is when the worker or the bridge answers again
}

type cause string

const (
	drained cause = "TERM and restart"
	killed  cause = "KILL and restart"
	cut     cause = "bridge cut"
)

// hits reports whether the fault can have affected the call.
func (f fault) hits(c *call) bool {
	return f.worker == c.worker && (f.what != cut || c.route == bridged) && c.began.Before(f.to) && c.ended.After(f.from)
}

// breach is a kind of broken promise. Each one makes soak fail.
type breach string

const (
	lost        breach = "acknowledged, but the procedure didn't end so"
	invented    breach = "status invented"
	ran         breach = "said not to have started, but ran"
	twice       breach = "ran twice"
	torn        breach = "output or input differs"
	unexplained breach = "failed without a fault"
	silent      breach = "ended without a word on --status-fd"
	hung        breach = "didn't end"
	leftOver    breach = "left something behind"
)

var breaches = []breach{lost, invented, ran, twice, torn, unexplained, silent, hung, leftOver}

// finding is one breach. call is 0 if it belongs to no call.
type finding struct {
	breach breach
	call   int
	text   string
}

// judge compares rpc's report to the caller with the procedure's ledger, given
// the faults that hit the call. It is a pure function.
func judge(c *call, e entry, faults []fault) (found []finding) {
	say := func(s breach, format string, args ...any) {
		found = append(found, finding{s, c.id, fmt.Sprintf(format, args...)})
	}
	if e.starts > 1 {
		say(twice, "%d times", e.starts)
	}
	if c.hung {
		say(hung, "not over after %v", hangLimit)
		return found
	}
	if c.held {
		say(leftOver, "its output was held open for %v", holdLimit)
	}
	told := c.said
	if told == nil {
		// A killed caller reports nothing. A signaled caller may die of its signal if
		// a fault has ended the call before.
		if !c.victim && !(c.toSignal != 0 && c.wait.Signaled() && c.wait.Signal() == c.toSignal && len(faults) > 0) {
			say(silent, "wait status %#x", uint32(c.wait))
		}
		return found
	}
	if told.Outcome == "exited" || told.Outcome == "signaled" {
		if !told.Started {
			say(invented, "%s, but not started", told.Outcome)
		}
		c.judgeEnd(e, len(faults) > 0, say)
	} else if !told.Started && e.starts > 0 {
		say(ran, "%s, safe to repeat, but the ledger has it", told.Outcome)
	}
	if c.stdout.wrong {
		say(torn, "wrong bytes on stdout")
	}
	c.judgeStatus(say)
	if c.expected() {
		return found
	}
	if why := c.excuse(faults); why != "" {
		say(unexplained, "%s: %s: %s", why, c.outcome(), c.ownWords())
	}
	return found
}

// judgeEnd checks that rpc reports the end that is in the ledger, and that all
// output arrived.
func (c *call) judgeEnd(e entry, faulty bool, say func(breach, string, ...any)) {
	end := strconv.Itoa(c.said.Status)
	if c.said.Outcome == "signaled" {
		end = signalWord(c.said.Status - 128)
	}
	switch {
	case e.end == "" && c.said.Outcome == "signaled":
		// The caller's signal or a draining worker killed the procedure before it
		// could write its end into the ledger. expected and excuse judge this case.
		return
	case e.end == "":
		say(lost, "rpc says %s, the ledger has no end", end)
		return
	case e.end != end && e.end == signalWord(c.signal) && faulty:
		return // the caller's signal and the drain's came together
	case e.end != end && c.said.Outcome == "signaled" && faulty:
		return // the procedure was killed between its entry in the ledger and its exit
	case e.end != end:
		say(invented, "rpc says %s, the ledger %s", end, e.end)
		return
	case e.end == strconv.Itoa(statusInput):
		say(torn, "stdin isn't what the caller sent")
	case e.end == strconv.Itoa(statusOutput):
		say(torn, "the procedure couldn't write")
	}
	if !c.stdout.whole() {
		say(torn, "stdout lacks %d bytes", c.stdout.left)
	}
	if !c.stderr.whole() {
		say(torn, "stderr lacks %d bytes, or has others", c.stderr.left)
	}
}

// judgeStatus checks that rpc's own exit status is the one that it reports.
func (c *call) judgeStatus(say func(breach, string, ...any)) {
	s := c.wait
	switch {
	case c.victim && s.Signaled() && s.Signal() == syscall.SIGKILL: // killed after its report
	case c.said.Outcome == "signaled" && s.Signaled() && 128+int(s.Signal()) == c.said.Status:
	case s.Exited() && s.ExitStatus() == c.said.Status:
	default:
		say(invented, "rpc reports %d and ends with wait status %#x", c.said.Status, uint32(s))
	}
}

// expected reports whether the call ended as its spec says.
func (c *call) expected() bool {
	switch c.kind {
	case overtime:
		return c.said.Outcome == "timeout"
	case unknown:
		return c.said.Outcome == "unknown" && c.said.Status == 127
	case dies, suicide:
		return c.said.Outcome == "signaled" && c.said.Status == 128+c.signal
	case hold:
		return false
	}
	return c.said.Outcome == "exited" && c.said.Status == c.status
}

// excuse returns "" if the faults explain the call's end. Else it says why they
// don't.
func (c *call) excuse(faults []fault) string {
	if len(faults) == 0 {
		return "no fault in its time"
	}
	switch c.said.Outcome {
	case "draining", "unreachable":
		if c.waitsLong {
			return "it had " + longWait.String() + " to wait"
		}
		return ""
	case "lost":
		return ""
	case "signaled":
		for _, f := range faults {
			if f.what == drained {
				return ""
			}
		}
		return "nobody signaled it"
	}
	return "no fault ends a call so"
}

func (c *call) outcome() string {
	if c.said == nil {
		return "no word"
	}
	return fmt.Sprintf("%s %d (started: %v)", c.said.Outcome, c.said.Status, c.said.Started)
}
