package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPage: docs/faults.md is what go generate would write.
func TestPage(t *testing.T) {
	top, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(top, pagePath))
	if err != nil {
		t.Fatal(err)
	}
	found, err := collect(top)
	if err != nil {
		t.Fatal(err)
	}
	want, err := fill(string(page), found, leastTested)
	if err != nil {
		t.Fatalf("%s:\n%v", pagePath, err)
	}
	old, now := strings.Split(string(page), "\n"), strings.Split(want, "\n")
	for at := range now {
		if old[at] != now[at] {
			t.Errorf("%s:%d is out of date (run go generate ./internal/docs):\n%s\nwant\n%s", pagePath, at+1, old[at], now[at])
		}
	}
}

const head = "# Faults\n\n| key | fault | how it ends | test |\n|---|---|---|---|\n"

func TestFill(t *testing.T) {
	page := head + `| 1 | a | b | |
|2|a|b| ` + "`row gone`, `row gone, too`" + `|
| 3 | a | b | ` + "`row x`; and `words` beside it" + ` |
| word | a | b | a reason |

| no table
`
	want := head + "| 1 | a | b | `row x`, `client TestX` |\n" +
		"| 2 | a | b | `row y,_z` |\n" +
		"| 3 | a | b | `row x`; and `words` beside it |\n" +
		"| word | a | b | a reason |\n\n| no table\n"
	found := tests{}
	found.add("row x", "1", "3")
	found.add("client TestX", "1")
	found.add("row y,_z", "2", "2")
	want = strings.Replace(want, "| no table", "no table", 1)
	page = strings.Replace(page, "| no table", "no table", 1)
	for _, page := range []string{page, want} { // filled again, it stays as it is
		got, err := fill(page, found, 3)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestFillRefuses(t *testing.T) {
	found := tests{"1": {"row x"}}
	for name, c := range map[string]struct{ lines, want string }{
		"no test and no reason":      {"| 1 | a | b | |\n| 2 | a | b | |\n", `line 6: fault "2" has neither a test nor a reason`},
		"a test of an unknown fault": {"| word | a | b | why |\n", `there is no fault "1", which row x shows`},
		"a fault twice":              {"| 1 | a | b | |\n| w | a | b | c |\n| w | a | b | c |\n", `line 7: a second fault "w"`},
		"a number behind a larger":   {"| 3 | a | b | c |\n| 1 | a | b | |\n", "line 6: fault 1 stands behind 3"},
		"too few tests":              {"| 1 | a | b | |\n", "1 faults have a test, and at least 2 must"},
		"a test that is gone":        {"| 1 | a | b | |\n| 2 | a | b | `row gone` |\n", `fault "2" has neither`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fill(head+c.lines, found, 2)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant in it: %s", err, c.want)
			}
		})
	}
}
