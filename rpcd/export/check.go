package export

import (
	"path/filepath"
	"slices"
)

// Check gives every problem of an exports directory; what it finds once it
// tells once. Nil: all is well.
func Check(dir string, o Owner) []Problem {
	path, err := filepath.Abs(dir)
	if err != nil {
		return []Problem{{Unsafe, dir, "has no absolute path: " + err.Error(), "give one"}}
	}
	d, w := &Dir{path: path, owner: o}, newWalker(o)
	all := d.check(w)
	names, err := readNames(path)
	if err != nil {
		if len(all) == 0 {
			all = append(all, Problem{Unsafe, path, "can't be listed: " + cause(err), "chmod +rx " + word(path)})
		}
		return all
	}
	for _, name := range names {
		p, problems, err := d.load(w, name)
		all = append(all, problems...)
		if err == nil && len(problems) == 0 {
			all = append(all, advice(p, o)...)
		}
	}
	var once []Problem
	for _, p := range all {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}
