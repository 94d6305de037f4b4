package export

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"rpcd/internal/manual"
)

// tableOf gives the lines of the help's table whose head begins with that word.
func tableOf(t *testing.T, head string) []string {
	t.Helper()
	for block := range strings.SplitSeq(manual.Exports, "\n\n") {
		if lines := strings.Split(block, "\n"); strings.HasPrefix(lines[0], "    "+head+" ") {
			return lines
		}
	}
	t.Fatalf("no table of %s", head)
	return nil
}

// The help names the files that there are, each with an example that is good.
// fault: 106
func TestHelpNamesTheFiles(t *testing.T) {
	lines := tableOf(t, "file")
	at := strings.Index(lines[0], "example")
	end := strings.Index(lines[0], "without")
	texts := map[string]string{}
	name := ""
	for _, line := range lines[1:] {
		if word := strings.Fields(line)[0]; strings.HasPrefix(line, "    "+word) {
			name = word
			texts[name] = ""
		}
		if len(line) > at {
			texts[name] += strings.TrimSpace(line[at:min(end, len(line))]) + "\n"
		}
	}
	if got := strings.Join(slices.Sorted(maps.Keys(texts)), ", "); got != known {
		t.Errorf("the help names %s; there are %s", got, known)
	}
	for name, read := range ruleFiles {
		text := strings.Replace(strings.TrimRight(texts[name], "\n")+"\n", "(empty)", "", 1)
		if faults := read(&Procedure{}, text); strings.TrimSpace(texts[name]) == "" || len(faults) > 0 {
			t.Errorf("%s: the example %q: %v", name, text, faults)
		}
	}
}

// The help names the variables that don't cross by a pattern, and those that each
// call gets.
// fault: 67
func TestHelpNamesTheVariables(t *testing.T) {
	words := strings.Fields(strings.Join(tableOf(t, "of"), " "))
	for _, name := range crossExactly {
		if !slices.Contains(words, name) {
			t.Errorf("the help doesn't name %s", name)
		}
	}
	lines := strings.Join(tableOf(t, "variable"), "\n")
	for _, v := range callVariables {
		if !strings.Contains(lines, "\n    "+v.name+" ") {
			t.Errorf("the help doesn't name %s", v.name)
		}
	}
}
