package export

import (
	"path/filepath"
	"slices"

	"rpcd/rpcd/export/internal/display"
)

// Entry is one entry of an exports directory, as the operator sees it.
type Entry struct {
	Procedure *Procedure // nil: calls of it are refused
	Problems  []Problem  // why, without those that an earlier entry has as well
}

// Survey looks at all entries of an exports directory, whoever may call them, in
// the order of their names. The problems are those of the directory itself and
// of the way to it: with any of them all calls are refused.
func Survey(dir string, o Owner) (entries []Entry, problems []Problem) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, []Problem{{Unsafe, dir, "has no absolute path: " + err.Error(), "give one"}}
	}
	d, w := &Dir{path: path, owner: o}, newWalker(o)
	problems = d.check(w)
	names, err := readNames(path)
	if err != nil {
		if len(problems) == 0 {
			problems = append(problems, Problem{Unsafe, path, "can't be listed: " + display.Cause(err), "chmod +rx " + display.ShellWord(path)})
		}
		return nil, problems
	}
	reported := slices.Clone(problems)
	for _, name := range names {
		p, found, err := d.load(w, name)
		if err != nil {
			continue // removed meanwhile
		}
		e := Entry{}
		if len(found) == 0 {
			e.Procedure = p
		}
		for _, q := range found {
			if !slices.Contains(reported, q) {
				reported = append(reported, q)
				e.Problems = append(e.Problems, q)
			}
		}
		entries = append(entries, e)
	}
	return entries, problems
}
