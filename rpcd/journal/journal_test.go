package journal

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0.000", 1010 * time.Millisecond: "1.010", time.Hour: "3600.000", 400 * time.Microsecond: "0.000"} {
		b, err := json.Marshal(Seconds(d))
		if err != nil || string(b) != want || fmt.Sprint(Seconds(d)) != want {
			t.Errorf("%v: %s as JSON, %v as text, %v; want %s", d, b, Seconds(d), err, want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"sleep"}, "sleep"},
		{[]string{"sleep", "sh", "sleep", "sleep"}, "sh, sleep"},
		{[]string{"\x1b[2J\n", "\xff"}, `\x1b[2J\n, \xff`},
		{[]string{"g", "f", "e", "d", "c", "b", "a", "a"}, "a, b, c, d, e, and 2 more"},
	} {
		if got := Names(tt.names); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.names, got, tt.want)
		}
	}
}

func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Repeats
		say := func(key string, unsaid int, want bool) {
			t.Helper()
			if n, ok := r.Say(key); ok != want || n != unsaid {
				t.Errorf("%s: %v with %d unsaid, want %v with %d", key, ok, n, want, unsaid)
			}
		}
		say("a", 0, true)
		say("a", 0, false)
		say("b", 0, true)
		time.Sleep(repeatPause - 1)
		say("a", 0, false)
		time.Sleep(time.Nanosecond)
		say("a", 2, true)
		say("a", 0, false)
		for i := range 3 * maxRepeats {
			say(fmt.Sprint(i), 0, true)
		}
		if len(r.said) > maxRepeats {
			t.Errorf("%d are remembered", len(r.said))
		}
	})
}
