package main

import (
	"testing"

	"rpcd/internal/proc"
)

func TestLeftBehind(t *testing.T) {
	const kib = memoryMore * 1_000_000 / 1024
	before := proc.Usage{RSS: 6000, Descriptors: 12, Threads: 8}
	for name, row := range map[string]struct {
		change func(*proc.Usage)
		want   bool
	}{
		"the same":            {func(*proc.Usage) {}, false},
		"a descriptor":        {func(s *proc.Usage) { s.Descriptors++ }, true},
		"a child":             {func(s *proc.Usage) { s.Children++ }, true},
		"the runtime's share": {func(s *proc.Usage) { s.Threads += threadsMore; s.RSS += kib }, false},
		"a thread too many":   {func(s *proc.Usage) { s.Threads += threadsMore + 1 }, true},
		"a KiB too many":      {func(s *proc.Usage) { s.RSS += kib + 1 }, true},
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
	for _, args := range [][]string{{"-only", "rain"}, {"-rounds", "0"}, {"more"}, {"-attack", "silent"}, {"-attack", "rain", "-socket", "x"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
