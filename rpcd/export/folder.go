package export

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// known lists the files that a procedure's folder may have, for a message.
var known = func() string {
	names := append(slices.Collect(maps.Keys(ruleFiles)), "run")
	slices.Sort(names)
	return strings.Join(names, ", ")
}()

// folder reads a procedure's folder into p, which may be used only if there are no
// problems.
func (w *walker) folder(p *Procedure, f found) (problems problemList) {
	problems.note(w.check(f, atTheEnd))
	names, err := readNames(f.path)
	if err != nil {
		problems.note(unread(f.path, "can't be listed: ", err, "let rpcd's user read it: chmod +rx "+display.ShellWord(f.path)))
		return problems
	}
	switch {
	case slices.Contains(names, "run"):
		p.Path = filepath.Join(p.folder, "run")
		problems = append(problems, w.run(filepath.Join(f.path, "run"))...)
	case slices.Contains(names, "topic"), slices.Contains(names, "publish"):
	default:
		problems.note(&Problem{NotExecutable, p.folder, "has no program named run",
			"put it there: ln -s PROGRAM " + display.ShellWord(filepath.Join(p.folder, "run"))})
	}
	problems = append(problems, checkTopic(f.path, names)...)
	for _, name := range names {
		path := filepath.Join(f.path, name)
		read, rule := ruleFiles[name]
		switch {
		case rule:
			problems = append(problems, w.rules(p, path, read)...)
		case name != "run":
			problems.note(&Problem{Denied, path, "is no file that a procedure's folder has",
				"remove or rename it; known are " + known})
		}
	}
	return problems
}

// run checks the program of a folder.
func (w *walker) run(path string) []Problem {
	f, problems, err := w.walk(path)
	if err != nil {
		return []Problem{*lost(path, path, false, err)}
	}
	if f.st.Mode == 0 {
		return problems
	}
	return append(problems, w.program(path, f)...)
}

// rules checks one rule file, and reads it into p.
func (w *walker) rules(p *Procedure, path string, read func(*Procedure, string) []fault) []Problem {
	f, problems, err := w.walk(path)
	if err != nil {
		return []Problem{*lost(path, path, false, err)}
	}
	if f.st.Mode == 0 {
		return problems
	}
	if q := w.check(f, atTheEnd); q != nil {
		problems = append(problems, *q)
	}
	text, q := readRule(f.path)
	if q != nil {
		return append(problems, *q)
	}
	faults := read(p, text)
	for i, x := range faults {
		if i == maxFaults {
			break
		}
		problems = append(problems, Problem{Denied, path, x.what, x.cure})
	}
	return problems
}

// readNames lists a directory without its dotfiles, sorted.
func readNames(dir string) ([]string, error) {
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, ".") })
	slices.Sort(names)
	return names, nil
}
