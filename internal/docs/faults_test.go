// Package docs checks that the documents name what exists.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rpcd/internal/rows"
)

// top is the repository's folder.
const top = "../.."

// faults is how many the list has.
const faults = 90

// leastTested is how many of them have a test at least.
const leastTested = 80

// page is the list.
const page = "docs/faults.md"

// quoted is a test's name, which stands alone between backquotes.
var quoted = regexp.MustCompile("`([^`]+)`")

// TestFaults: in a table of docs/faults.md the last column names tests that
// exist, or gives a reason. Other words between backquotes don't stand there.
func TestFaults(t *testing.T) {
	known := tests(t)
	seen := map[int]bool{}
	tested := 0
	b, err := os.ReadFile(filepath.Join(top, page))
	if err != nil {
		t.Fatal(err)
	}
	for at, line := range strings.Split(string(b), "\n") {
		cells := cellsOf(line)
		if len(cells) == 0 {
			continue
		}
		last := cells[len(cells)-1]
		names := quoted.FindAllStringSubmatch(last, -1)
		if last == "" {
			t.Errorf("%s:%d: neither a test nor a reason", page, at+1)
		}
		found := 0
		for _, m := range names {
			switch {
			case known.has(m[1]):
				found++
			case reference(m[1]):
				t.Errorf("%s:%d: there is no test %q", page, at+1, m[1])
			}
		}
		n, err := strconv.Atoi(cells[0])
		if err != nil { // of a table without numbers
			continue
		}
		if seen[n] || n < 1 || n > faults {
			t.Errorf("%s:%d: a second fault %d, or beyond %d", page, at+1, n, faults)
		}
		seen[n] = true
		if found > 0 {
			tested++
		} else {
			t.Logf("fault %d has no test: %s", n, last)
		}
	}
	if len(seen) != faults {
		t.Errorf("%d of %d faults are listed", len(seen), faults)
	}
	if tested < leastTested {
		t.Errorf("%d faults have a test, and %d had", tested, leastTested)
	}
	t.Logf("%d of %d faults have a test, %d are listed", tested, faults, len(seen))
}

// cellsOf gives the cells of a table's row, none for its head and for other
// lines.
func cellsOf(line string) []string {
	if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| # ") || strings.HasPrefix(line, "| theirs ") {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// reference says whether words between backquotes mean a test.
func reference(s string) bool {
	return regexp.MustCompile(`(^|/| )(Test|Fuzz)[A-Z]|^(containers|systemd|test\.sh) `).MatchString(s)
}

// inventory is what tests there are.
type inventory struct {
	functions map[string][]string // by folder: TestX, FuzzX
	literals  map[string]string   // by folder: its test files, to find a subtest's name in
	rows      map[string][]string // of cmd/rpc's table: transports
	cases     map[string]bool     // "containers NAME", "systemd NAME", "test.sh STEP"
}

func tests(t *testing.T) *inventory {
	t.Helper()
	inv := &inventory{map[string][]string{}, map[string]string{}, map[string][]string{}, map[string]bool{}}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(top, filepath.Dir(path))
		for _, m := range function.FindAllStringSubmatch(string(b), -1) {
			inv.functions[dir] = append(inv.functions[dir], m[1])
		}
		inv.literals[dir] += string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	table, err := rows.Load(filepath.Join(top, "cmd/rpc/testdata/rows"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range table {
		inv.rows[row.Name] = row.On
	}
	scripts, _ := filepath.Glob(top + "/.ci/*-cases.sh")
	for _, script := range scripts {
		b, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		kind := strings.TrimSuffix(filepath.Base(script), "-cases.sh")
		for _, m := range regexp.MustCompile(`(?m)^test_(\w+)\(\)`).FindAllStringSubmatch(string(b), -1) {
			inv.cases[kind+" "+m[1]] = true
		}
	}
	b, err := os.ReadFile(top + "/test.sh")
	if err != nil {
		t.Fatal(err)
	}
	steps := regexp.MustCompile(`(?m)^\(\(\$#\)\) \|\| set -- (.*)$`).FindStringSubmatch(string(b)) // what it runs when it is told none
	if steps == nil {
		t.Fatal("test.sh doesn't name its steps where this test looks")
	}
	for _, step := range strings.Fields(steps[1]) {
		inv.cases["test.sh "+step] = true
	}
	if len(inv.rows) < 100 || len(inv.cases) < 10 || len(inv.functions) < 10 {
		t.Fatalf("%d rows, %d cases, tests in %d folders: this test looks in the wrong place", len(inv.rows), len(inv.cases), len(inv.functions))
	}
	return inv
}

func underscored(s string) string { return strings.ReplaceAll(s, " ", "_") }

// has says whether a name is a test's: [FOLDER ]TestX[/SUBTEST], or KIND CASE.
// Without a folder it is one of the commands', and rpcd/x may be called x.
func (inv *inventory) has(name string) bool {
	if inv.cases[name] {
		return true
	}
	dir, test, both := strings.Cut(name, " ")
	if both {
		return inv.in(dir, test) || inv.in("rpcd/"+dir, test)
	}
	return inv.in("cmd/rpc", name) || inv.in("cmd/rpcd", name)
}

// in is has, of one folder.
func (inv *inventory) in(dir, name string) bool {
	test, sub, _ := strings.Cut(name, "/")
	switch {
	case !slices.Contains(inv.functions[dir], test):
		return false
	case sub == "":
		return true
	case test == "TestTable":
		transport, row, _ := strings.Cut(sub, "/")
		on := inv.rows[row]
		return transport == "*" && len(on) > 0 || slices.Contains(on, transport)
	case test == "TestScripts":
		_, err := os.Stat(filepath.Join(top, dir, "testdata", sub+".txtar"))
		return err == nil
	}
	for _, part := range strings.Split(sub, "/") { // a literal, with spaces or without
		if !strings.Contains(underscored(inv.literals[dir]), `"`+part+`"`) {
			return false
		}
	}
	return true
}
