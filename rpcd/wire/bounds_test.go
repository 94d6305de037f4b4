package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// A first frame's texts and lists have bounds, and what is over one is refused with
// the code of its kind, in a short line.
// fault: 120 123
func TestBounds(t *testing.T) {
	text := func(n int) string { return strings.Repeat("\xff", n) }
	for what, c := range map[string]struct {
		call Call
		code Code // 0: it is fine
	}{
		"the longest name":          {Call{Procedure: text(MaxName)}, 0},
		"a longer name":             {Call{Procedure: text(MaxName + 1)}, Unknown},
		"the longest path":          {Call{Procedure: "/" + text(MaxPath-1)}, 0},
		"a longer path":             {Call{Procedure: "/" + text(MaxPath)}, Unknown},
		"the longest directory":     {Call{Procedure: "p", Dir: Dir{Name: "/" + text(MaxPath-1)}}, 0},
		"a longer directory":        {Call{Procedure: "p", Dir: Dir{Name: "/" + text(7<<20)}}, NoDirectory},
		"the longest logical name":  {Call{Procedure: "p", Logical: "/" + text(MaxPath-1)}, 0},
		"a longer logical name":     {Call{Procedure: "p", Logical: "/" + text(MaxPath)}, NoDirectory},
		"the longest label":         {Call{Procedure: "p", Label: text(MaxLabel)}, 0},
		"a longer label":            {Call{Procedure: "p", Label: text(MaxLabel + 1)}, Protocol},
		"as many words as may be":   {Call{Procedure: "p", Args: make([]string, MaxWords-1), Env: []string{"A=b"}}, 0},
		"more words":                {Call{Procedure: "p", Args: make([]string, MaxWords), Env: []string{"A=b"}}, TooLong},
		"more arguments":            {Call{Procedure: "p", Args: make([]string, 1<<20)}, TooLong},
		"a directory that is none":  {Call{Procedure: "p", Dir: Dir{Name: text(MaxPath)}}, Protocol},
		"streams without a measure": {Call{Procedure: "p", Streams: slices.Repeat([]Stream{{Mode: Closed}}, 100_000)}, Protocol},
	} {
		frame := c.call.Append()
		m, err := ParseCall(0, frame[HeaderLen:])
		var length *LengthError
		switch {
		case c.code == 0 && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.code == 0:
			if cost := m.Cost(len(frame) - HeaderLen); cost > MostCost(len(frame)-HeaderLen) {
				t.Errorf("%s: it costs %d bytes, at most %d were counted", what, cost, MostCost(len(frame)-HeaderLen))
			}
		case !errors.Is(err, ErrProtocol) || len(err.Error()) > maxError+100:
			t.Errorf("%s: %.600v", what, err)
		case errors.As(err, &length) && length.Code != c.code, length == nil && c.code != Protocol:
			t.Errorf("%s: %v, want code %d", what, err, c.code)
		}
	}
	if _, err := ParsePing(Ping(Dir{Name: "/" + text(MaxPath)})[HeaderLen:]); !errors.Is(err, ErrProtocol) {
		t.Errorf("a PING with a longer directory: %v", err)
	}
}

// Answers with more entries than may be are read in part, and written so.
// fault: 122
func TestEntriesAreBounded(t *testing.T) {
	calls, info := &Calls{}, &Info{}
	for range maxEntries + 10 {
		calls.Calls = append(calls.Calls, Running{ID: "1"})
		info.Procedures = append(info.Procedures, Entry{Name: "p"})
	}
	gotCalls, err := ParseCalls(calls.Append()[HeaderLen:])
	gotInfo, err2 := ParseInfo(info.Append(TypeListing)[HeaderLen:])
	if err != nil || err2 != nil || len(gotCalls.Calls) != maxEntries || len(gotInfo.Procedures) != maxEntries {
		t.Errorf("%d calls, %d procedures, %v, %v", len(gotCalls.Calls), len(gotInfo.Procedures), err, err2)
	}
	var f fields
	f.text(1, "1")
	for range 10_000 {
		f.bytes(6, nil)
	}
	m := answer()
	m.bytes(2, f.b)
	got, err := ParseCalls(m.b[HeaderLen:])
	if want := len(FirstArgs(make([]string, 10_000))); err != nil || len(got.Calls[0].Args) > want+1 {
		t.Errorf("%d arguments, %v; a worker sends %d", len(got.Calls[0].Args), err, want)
	}
}
