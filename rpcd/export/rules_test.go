package export

import (
	"slices"
	"strings"
	"testing"

	"rpcd/internal/names"
)

func TestArgs(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "\n": {""}, "a": {"a"}, "a\n": {"a"}, "a\n\n": {"a", ""}, "# no comment\n  x \n": {"# no comment", "  x "}, "\xff": {"\xff"},
	} {
		p := &Procedure{}
		if faults := ruleFiles["args"](p, text); len(faults) > 0 || !slices.Equal(p.Args, want) {
			t.Errorf("%q: %q, %v", text, p.Args, faults)
		}
	}
}

// FuzzRules: no rule file makes a reader panic, report a control byte, or set a
// field to a value that it can't have.
func FuzzRules(f *testing.F) {
	for name, text := range map[string]string{
		"args": "--model\n\nx", "allow": "uid 5\n# x\nany", "env": "LC_*\nA=1", "summary": "one line\n", "workdir": "/tmp\n",
		"timeout": "1.5h", "max-calls": "12\n", "keep": "\n", "log-args": "no",
	} {
		f.Add(name, text)
	}
	for _, seed := range ruleSeeds(f) {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		read, ok := ruleFiles[name]
		if !ok {
			return
		}
		p := &Procedure{}
		faults := read(p, text)
		for _, x := range faults {
			if names.HasControl(x.what+x.cure) || x.what == "" || x.cure == "" {
				t.Fatalf("fault %q", x)
			}
		}
		if p.Workdir != "" && p.Workdir[0] != '/' || names.HasControl(p.Workdir+p.Summary) || p.Timeout < 0 ||
			p.MaxCalls < 0 || p.MaxCalls > maxCount {
			t.Fatalf("%+v", p)
		}
		held := len(p.Workdir) + len(p.Summary)
		for _, words := range [][]string{p.Args, p.Set, p.env.names, p.env.patterns} {
			for _, w := range words {
				held += len(w)
			}
		}
		if held > len(text) || len(p.Args)+len(p.Set)+len(p.Allow) > 1+strings.Count(text, "\n") {
			t.Fatalf("%d bytes hold %+v", len(text), p)
		}
		if name == "args" && len(faults) == 0 && text != "" && strings.Join(p.Args, "\n") != strings.TrimSuffix(text, "\n") {
			t.Fatalf("%q reads as %q", text, p.Args)
		}
	})
}
