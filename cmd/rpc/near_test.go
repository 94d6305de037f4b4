package main

import "testing"

func TestNearest(t *testing.T) {
	for s, want := range map[string]string{
		"doctr": "doctor", "dcotor": "doctor", "docter": "doctor", "doctors": "doctor", "doc": "", "hospital": "",
		"pign": "ping", "png": "ping", "kil": "kill", "lss": "ls", "sl": "", "p": "", "": "", "ping": "",
		"hugn": "hugin", "huginn": "hugin", "munin": "", "compltion": "completion",
	} {
		if got := nearest(s, []string{"completion", "doctor", "hugin", "kill", "ls", "ping"}); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, r := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"sotr", "sort", 1}, {"kitten", "sitting", 3}, {"abcdef", "a", 4}, {"\xff\xfe", "\xff", 1},
	} {
		if got := distance(r.a, r.b, 4); got != r.want || distance(r.b, r.a, 4) != r.want {
			t.Errorf("%q, %q: %d, want %d", r.a, r.b, got, r.want)
		}
	}
}
