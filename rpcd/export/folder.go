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

// known names the files of a procedure's folder, for a message.
var known = func() string {
	names := append(slices.Collect(maps.Keys(ruleFiles)), "run", "topic")
	slices.Sort(names)
	return strings.Join(names, ", ")
}()

// folder reads a procedure's folder. The procedure is to be used only when
// there is no problem.
func (w *walker) folder(p *Procedure, f found) (problems []Problem) {
	note := func(q *Problem) {
		if q != nil {
			problems = append(problems, *q)
		}
	}
	note(w.check(f, atTheEnd))
	names, err := readNames(f.path)
	if err != nil {
		note(unread(f.path, "can't be listed: ", err, "let rpcd's user read it: chmod +rx "+display.ShellWord(f.path)))
		return problems
	}
	run := slices.Contains(names, "run")
	p.Topic = slices.Contains(names, "topic")
	switch {
	case run && p.Topic:
		note(&Problem{Denied, p.folder, "has both run and topic", "remove one of them"})
	case run:
		p.Path = filepath.Join(p.folder, "run")
		problems = append(problems, w.run(filepath.Join(f.path, "run"))...)
	case !p.Topic:
		note(&Problem{NotExecutable, p.folder, "has neither run nor topic",
			"put the program there: ln -s PROGRAM " + display.ShellWord(filepath.Join(p.folder, "run"))})
	}
	for _, name := range names {
		path := filepath.Join(f.path, name)
		read, rule := ruleFiles[name]
		switch {
		case rule:
			problems = append(problems, w.rules(p, path, read)...)
		case name == "topic":
			problems = append(problems, w.rules(p, path, func(*Procedure, string) []fault { return nil })...)
		case name != "run":
			note(&Problem{Denied, path, "is no file that a procedure's folder has",
				"remove or rename it; known are " + known})
		}
	}
	return problems
}

// run checks a folder's program.
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

// rules checks and reads one rule file.
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
