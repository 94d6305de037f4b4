package main

import (
	"testing"

	"rpcd/bench/rig"
)

func TestLeftBehind(t *testing.T) {
	before := state{Footprint: rig.Footprint{RSS: 6, Descriptors: 12, Threads: 8}}
	for name, row := range map[string]struct {
		change func(*state)
		want   bool
	}{
		"the same":            {func(*state) {}, false},
		"a descriptor":        {func(s *state) { s.Descriptors++ }, true},
		"a child":             {func(s *state) { s.children++ }, true},
		"the runtime's share": {func(s *state) { s.Threads += threadsMore; s.RSS += memoryMore }, false},
		"a thread too many":   {func(s *state) { s.Threads += threadsMore + 1 }, true},
		"a MB too many":       {func(s *state) { s.RSS += memoryMore + 1 }, true},
	} {
		after := before
		row.change(&after)
		f := figures{attack: &attacks[0], before: before, after: after}
		if got := f.leftBehind() != nil; got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{{"-only", "rain"}, {"-rounds", "0"}, {"more"}, {"-attack", "silent"}, {"-attack", "rain", "x"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
