package main

import (
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// fault is what was done to a worker, and when.
type fault struct {
	what     cause
	worker   int
	from, to time.Time // to: the worker, or the bridge, answers again
}

type cause string

const (
	drained cause = "TERM and restart"
	killed  cause = "KILL and restart"
	cut     cause = "bridge cut"
)

// hits says whether the fault can have had to do with the call.
func (f fault) hits(c *call) bool {
	return f.worker == c.worker && (f.what != cut || c.route == bridged) && c.began.Before(f.to) && c.ended.After(f.from)
}

// breach is a rule that was broken. None of them may occur.
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

// finding is one breach of one call (or of none: 0).
type finding struct {
	breach breach
	call   int
	text   string
}

// judge compares what the caller was told with what the procedure wrote down,
// given the faults that hit the call. It is a pure function.
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
		// A caller that was killed reports nothing. One that was signaled may die
		// of the signal when a fault has ended its call.
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

// judgeEnd checks that the end which rpc reports is the one in the ledger, and
// that all output came before it.
func (c *call) judgeEnd(e entry, faulty bool, say func(breach, string, ...any)) {
	end := strconv.Itoa(c.said.Status)
	if c.said.Outcome == "signaled" {
		end = signalWord(c.said.Status - 128)
	}
	switch {
	case e.end == "" && c.said.Outcome == "signaled":
		// Its caller's signal or a draining worker killed it, and it could write
		// nothing into the ledger. expected and excuse judge the rest.
		return
	case e.end == "":
		say(lost, "rpc says %s, the ledger has no end", end)
		return
	case e.end != end && e.end == signalWord(c.signal) && faulty:
		return // its own signal came together with the drain's
	case e.end != end && c.said.Outcome == "signaled" && faulty:
		return // it had written its end and was killed before it could exit
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

// judgeStatus checks that rpc itself ends with the status that it reports.
func (c *call) judgeStatus(say func(breach, string, ...any)) {
	s := c.wait
	switch {
	case c.victim && s.Signaled() && s.Signal() == syscall.SIGKILL: // after its report
	case c.said.Outcome == "signaled" && s.Signaled() && 128+int(s.Signal()) == c.said.Status:
	case s.Exited() && s.ExitStatus() == c.said.Status:
	default:
		say(invented, "rpc reports %d and ends with wait status %#x", c.said.Status, uint32(s))
	}
}

// expected says whether the call ended as its spec says.
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

// excuse is "" when the faults explain how the call ended, else why they don't.
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
