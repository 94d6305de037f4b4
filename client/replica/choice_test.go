package replica

import (
	"slices"
	"strings"
	"testing"
)

// named gives the Info of a replica: how many calls run and may run, and how many
// wait and may wait. A dash before the name means that the replica drains.
func named(name string, running, maxCalls, waiting, maxQueue uint32) Info {
	state := "up"
	if drained, drains := strings.CutPrefix(name, "-"); drains {
		name, state = drained, "draining"
	}
	return Info{Socket: name, State: state, Load: Load{Running: running, Waiting: waiting, MaxCalls: maxCalls, MaxQueue: maxQueue}}
}

// tries takes all replicas of a choice, in its order. Those in busy fail as full.
func tries(c *Choice, busy ...string) []string {
	var got []string
	for t, ok := c.Next(); ok; t, ok = c.Next() {
		name := t.Socket
		if t.Queue {
			name += "+"
		}
		got = append(got, name)
		c.Failed(slices.Contains(busy, t.Socket))
	}
	return got
}

func TestChoice(t *testing.T) {
	up := []Info{named("a", 3, 4, 0, 9), named("-b", 0, 4, 0, 9), named("c", 1, 4, 0, 9), named("d", 1, 1, 2, 9), named("e", 1, 4, 0, 9)}
	for busy, want := range map[string]string{
		"":          "c e a d b",
		"c":         "c e a d b c+",
		"a c d e b": "c e a d b c+ e+ a+ b+ d+",
	} {
		if got := strings.Join(tries(newChoice(slices.Clone(up)), strings.Fields(busy)...), " "); got != want {
			t.Errorf("busy %q: %s, want %s", busy, got, want)
		}
	}
	full := []Info{named("a", 1, 1, 2, 2), named("b", 2, 2, 2, 9)} // a's queue is full, and b's has room
	if got := tries(newChoice(full), "a", "b"); !slices.Equal(got, []string{"a", "b", "b+", "a+"}) {
		t.Errorf("a full queue: %q", got)
	}
	only := &Choice{rounds: []round{{[]Info{{Socket: "w"}}, true}}}
	if got := tries(only, "w"); !slices.Equal(got, []string{"w+"}) {
		t.Errorf("a worker's only replica: %q", got)
	}
}
