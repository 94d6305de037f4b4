package main

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exit gives the wait status of an exit (wait(2)). A signal's wait status is the
// signal's number.
func exit(status int) syscall.WaitStatus { return syscall.WaitStatus(status << 8) }

// made gives a plain call that succeeded. change may alter it.
func made(change func(*call)) *call {
	c := &call{spec: spec{id: 1, kind: plain, status: 3, out: 10, err: 10}, route: bridged,
		began: time.Unix(100, 0), ended: time.Unix(101, 0), wait: exit(3), said: &statusLine{Outcome: "exited", Started: true, Status: 3}}
	c.expect()
	for stream, to := range map[int]*checker{1: c.stdout, 2: c.stderr} {
		buffer := make([]byte, 10)
		_, _ = c.bytes(stream, 10).Read(buffer)
		_, _ = to.Write(buffer)
	}
	if change != nil {
		change(c)
	}
	return c
}

// say sets rpc's status line and its end.
func say(outcome string, started bool, status int, wait syscall.WaitStatus) func(*call) {
	return func(c *call) {
		c.said, c.wait = &statusLine{Outcome: outcome, Started: started, Status: status}, wait
	}
}

func both(changes ...func(*call)) func(*call) {
	return func(c *call) {
		for _, change := range changes {
			change(c)
		}
	}
}

func TestJudge(t *testing.T) {
	well := entry{1, "3"}
	none, gone := []fault(nil), []fault{{what: killed}}
	drain := []fault{{what: drained}}
	waitsLong := func(c *call) { c.waitsLong = true }
	of := func(k kind) func(*call) { return func(c *call) { c.kind = k } }
	for name, row := range map[string]struct {
		call   *call
		entry  entry
		faults []fault
		want   breach // "" if judge shall find nothing
	}{
		"well":                             {made(nil), well, none, ""},
		"ran twice":                        {made(nil), entry{2, "3"}, none, twice},
		"acknowledged, never ended":        {made(nil), entry{1, ""}, none, lost},
		"acknowledged, never began":        {made(nil), entry{}, none, lost},
		"acknowledged, in a crash":         {made(nil), entry{1, ""}, gone, lost},
		"another status":                   {made(say("exited", true, 0, 0)), well, none, invented},
		"another status, in a crash":       {made(say("exited", true, 0, 0)), well, gone, invented},
		"rpc ends with another":            {made(func(c *call) { c.wait = 0 }), well, none, invented},
		"lost, for nothing":                {made(say("lost", true, 125, exit(125))), entry{1, ""}, none, unexplained},
		"lost, in a crash":                 {made(say("lost", true, 125, exit(125))), entry{1, ""}, gone, ""},
		"lost, and the end written":        {made(say("lost", true, 125, exit(125))), well, gone, ""},
		"lost, and a status of 0":          {made(say("lost", true, 125, 0)), well, gone, invented},
		"refused, but ran":                 {made(say("draining", false, 125, exit(125))), entry{1, ""}, drain, ran},
		"refused":                          {made(say("draining", false, 125, exit(125))), entry{}, drain, ""},
		"refused, though it waits":         {made(both(say("draining", false, 125, exit(125)), waitsLong)), entry{}, drain, unexplained},
		"busy":                             {made(say("busy", false, 125, exit(125))), entry{}, drain, unexplained},
		"stdout not whole":                 {made(func(c *call) { c.stdout.left = 1 }), well, none, torn},
		"stderr wrong":                     {made(func(c *call) { c.stderr.wrong = true }), well, none, torn},
		"wrong bytes before it was lost":   {made(both(say("lost", true, 125, exit(125)), func(c *call) { c.stdout.wrong = true })), entry{1, ""}, gone, torn},
		"wrong stdin":                      {made(say("exited", true, statusInput, exit(statusInput))), entry{1, "97"}, none, torn},
		"no word":                          {made(func(c *call) { c.said = nil }), well, none, silent},
		"no word of who was killed":        {made(func(c *call) { c.said, c.victim = nil, true }), entry{1, ""}, none, ""},
		"a killed caller's call ran twice": {made(func(c *call) { c.said, c.victim = nil, true }), entry{2, ""}, none, twice},
		"hangs":                            {made(func(c *call) { c.said, c.hung = nil, true }), entry{1, ""}, none, hung},
		"holds its output":                 {made(func(c *call) { c.held = true }), well, none, leftOver},
		"suicide":                          {made(both(of(suicide), say("signaled", true, 137, 9), func(c *call) { c.signal = 9 })), entry{1, "sig9"}, none, ""},
		"suicide by another signal":        {made(both(of(suicide), say("signaled", true, 143, 15), func(c *call) { c.signal = 9 })), entry{1, "sig9"}, none, invented},
		"suicide's last bytes":             {made(both(of(suicide), say("signaled", true, 137, 9), func(c *call) { c.signal, c.stdout.left = 9, 5 })), entry{1, "sig9"}, none, torn},
		"ended by a drain":                 {made(say("signaled", true, 143, 15)), entry{1, ""}, drain, ""},
		"ended by nobody":                  {made(say("signaled", true, 143, 15)), entry{1, ""}, gone, unexplained},
		"out of time":                      {made(both(of(overtime), say("timeout", true, 124, exit(124)))), entry{1, ""}, none, ""},
		"out of time, of a plain call":     {made(say("timeout", true, 124, exit(124))), entry{1, ""}, none, unexplained},
		"unknown":                          {made(both(of(unknown), say("unknown", false, 127, exit(127)))), entry{}, none, ""},
		"unknown, but ran":                 {made(both(of(unknown), say("unknown", false, 127, exit(127)))), well, none, ran},
	} {
		var got breach
		var texts []string
		for _, f := range judge(row.call, row.entry, row.faults) {
			if got == "" {
				got = f.breach
			}
			texts = append(texts, string(f.breach)+": "+f.text)
		}
		if got != row.want {
			t.Errorf("%s: found %q, want %q\n%s", name, got, row.want, strings.Join(texts, "\n"))
		}
	}
}

func TestFaultHits(t *testing.T) {
	c := made(nil) // a bridged call of worker 0, from second 100 to 101
	for name, row := range map[string]struct {
		fault fault
		want  bool
	}{
		"in the middle":    {fault{cut, 0, time.Unix(100, 5), time.Unix(100, 9)}, true},
		"before":           {fault{cut, 0, time.Unix(98, 0), time.Unix(99, 0)}, false},
		"after":            {fault{cut, 0, time.Unix(102, 0), time.Unix(103, 0)}, false},
		"of another":       {fault{killed, 1, time.Unix(100, 5), time.Unix(100, 9)}, false},
		"from before till": {fault{killed, 0, time.Unix(90, 0), time.Unix(110, 0)}, true},
	} {
		if got := row.fault.hits(c); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	c.route = passed
	if (fault{cut, 0, time.Unix(90, 0), time.Unix(110, 0)}).hits(c) {
		t.Error("a cut bridge excuses a call that didn't use it")
	}
}

func TestSpecCrossesAsArguments(t *testing.T) {
	want := spec{7, overtime, 130, 15, true, 1, 2, 3}
	if got, err := parseSpec(want.args()); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, args := range [][]string{nil, {"x", "plain", "0", "0", "false", "0", "0", "0"}} {
		if _, err := parseSpec(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestCheckerSeesOneByte(t *testing.T) {
	s := spec{id: 4}
	full := make([]byte, 10_000)
	if _, err := io.ReadFull(s.bytes(1, int64(len(full))), full); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		change       func([]byte) []byte
		wrong, whole bool
	}{
		"same":    {func(b []byte) []byte { return b }, false, true},
		"cut":     {func(b []byte) []byte { return b[:9_999] }, false, false},
		"changed": {func(b []byte) []byte { b[9_000] ^= 1; return b }, true, false},
		"more":    {func(b []byte) []byte { return append(b, 0) }, true, false},
	} {
		c := newChecker("", s.bytes(1, int64(len(full))), int64(len(full)))
		rest := row.change(append([]byte(nil), full...))
		for len(rest) > 0 { // writes pieces of different sizes
			n := min(777, len(rest))
			_, _ = c.Write(rest[:n])
			rest = rest[n:]
		}
		if c.wrong != row.wrong || c.whole() != row.whole {
			t.Errorf("%s: wrong %v, whole %v", name, c.wrong, c.whole())
		}
	}
}
