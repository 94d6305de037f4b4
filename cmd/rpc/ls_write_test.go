package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// worker makes a row of a worker with so many procedures, p0 and on.
func worker(name string, procedures int) row {
	r := row{Worker: name, State: "up", Replicas: []replicaRow{{Socket: "/s", State: "up", Version: "1"}}}
	for i := range procedures {
		r.Procedures = append(r.Procedures, procedure{Name: fmt.Sprintf("p%d", i), Kind: "spawned"})
	}
	return r
}

// A terminal's ls has lines as long as it is wide, and says how much it left out. What
// is no terminal gets everything.
func TestShortList(t *testing.T) {
	named := worker("w", 12)
	named.named = true
	for name, c := range map[string]struct {
		rows []row
		s    screen
		want string
	}{
		"a pipe": {[]row{worker("w", 12)}, screen{},
			"WORKER  STATE  PROCEDURES\nw       up     p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11\n"},
		"wide enough": {[]row{worker("w", 12)}, screen{terminal: true, columns: 52},
			"WORKER  STATE  PROCEDURES\nw       up     p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11\n"},
		"cut": {[]row{worker("w", 30)}, screen{terminal: true, columns: 60},
			"WORKER  STATE  PROCEDURES\nw       up     p0 p1 p2 ... and 27 more (rpc ls w shows all)\n"},
		"too narrow for one": {[]row{worker("w", 12)}, screen{terminal: true, columns: 30},
			"WORKER  STATE  PROCEDURES\nw       up     12 (rpc ls w shows all)\n"},
		"named": {[]row{named}, screen{terminal: true, columns: 40},
			"WORKER  STATE  PROCEDURES\nw       up     p0 p1 p2 p3 p4 p5 p6 p7\n               p8 p9 p10 p11\n"},
		"no size": {[]row{worker("w", 2)}, screen{terminal: true}, "WORKER  STATE  PROCEDURES\nw       up     p0 p1\n"},
		"colours": {[]row{worker("w", 1), {Worker: "x", State: "down", Error: "gone"}, {Worker: "long-name", State: "draining"}},
			screen{terminal: true, columns: 80, colours: true},
			"WORKER     STATE     PROCEDURES\nw          \x1b[32mup\x1b[0m        p0\nx          \x1b[31mdown\x1b[0m      gone\nlong-name  \x1b[33mdraining\x1b[0m  \n"},
	} {
		var b bytes.Buffer
		if err := writeShort(&b, c.rows, c.s); err != nil || b.String() != c.want {
			t.Errorf("%s: %v\n%q\nwant\n%q", name, err, b.String(), c.want)
		}
	}
}

func TestLongList(t *testing.T) {
	named := worker("w", 312)
	named.named = true
	for _, c := range []struct {
		r     row
		s     screen
		lines int
		last  string
	}{
		{worker("w", 312), screen{}, 314, "  p311  "},
		{named, screen{terminal: true}, 314, "  p311  "},
		{worker("w", 21), screen{terminal: true}, 23, "  p20  "},
		{worker("w", 312), screen{terminal: true}, 23, "  ... and 292 more (rpc ls -l w shows all)"},
	} {
		var b bytes.Buffer
		if err := writeLong(&b, []row{c.r}, c.s); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) != c.lines || lines[len(lines)-1] != c.last {
			t.Errorf("%d lines, the last %q; want %d and %q", len(lines), lines[len(lines)-1], c.lines, c.last)
		}
	}
}

// A block is drawn over the one before it, and never scrolls.
func TestRedraw(t *testing.T) {
	for _, c := range []struct {
		block   string
		before  int
		want    string
		drawn   int
		columns int
	}{
		{"a\nb\n", 0, "\r\x1b[Ja\nb\n", 2, 5},
		{"a\n", 2, "\x1b[2A\r\x1b[Ja\n", 1, 5},
		{"a\x1b[32mbcdef\x1b[0mg\n", 1, "\x1b[1A\r\x1b[Ja\x1b[32mbcde\x1b[0m\n", 1, 5},
		{"äöüßéx\n", 0, "\r\x1b[Jäöüßé\n", 1, 5},
		{"a\nb\nc\nd\n", 0, "\r\x1b[Ja\nb\n... a\n", 3, 5},
		{"a\nb\nc\nd\ne\n", 3, "\x1b[3A\r\x1b[Ja\nb\n... and 3 more lines\n", 3, 80},
	} {
		s := screen{terminal: true, columns: c.columns, lines: 4}
		if got, drawn := redraw([]byte(c.block), c.before, s); string(got) != c.want || drawn != c.drawn {
			t.Errorf("%q after %d: %q, %d\nwant %q, %d", c.block, c.before, got, drawn, c.want, c.drawn)
		}
	}
}
