package export

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"rpcd/internal/names"
	"rpcd/rpcd/export/internal/display"
)

// maxHave is how many names a caller is told whose procedure isn't there.
const maxHave = 20

// maxWarnings is how many warnings about entries Open gives.
const maxWarnings = 20

// Dir is an exports directory. It keeps nothing of what it reads, so that a change
// of a file counts from the next look-up on.
type Dir struct {
	path  string // absolute
	owner Owner
}

var _ Source = (*Dir)(nil)

// Open checks an exports directory and makes it a source. The error is about the
// directory itself and the way to it. The second result are warnings, a line each:
// entries that are refused until they are repaired, and files that pass only
// because their mount is read-only.
func Open(dir string, o Owner) (*Dir, []string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	d := &Dir{path: path, owner: o}
	w := newWalker(o)
	if problems := d.check(w); len(problems) > 0 {
		return nil, nil, fmt.Errorf("cannot export %q: %s", path, problems[0].of(path))
	}
	names, err := readNames(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot export %q: %s (let rpcd's user read it: chmod +rx %s)",
			path, display.Cause(err), display.ShellWord(path))
	}
	var warnings []string
	bad := 0
	for _, name := range names {
		if _, problems, _ := d.load(w, name); len(problems) > 0 {
			if bad++; bad <= maxWarnings {
				warnings = append(warnings, problems[0].String())
			}
		}
	}
	if bad > maxWarnings {
		warnings = append(warnings, fmt.Sprintf("%q has %d more entries that are refused (see rpcd check)", path, bad-maxWarnings))
	}
	if w.foreign > 0 {
		warnings = append(warnings, fmt.Sprintf("%q and %d more files belong to others than root and rpcd, and pass because their mount is read-only",
			w.sample, w.foreign-1))
	}
	return d, warnings, nil
}

// Lookup finds a procedure, and checks all files on the way to it and of it.
func (d *Dir) Lookup(name string, c Caller) (*Procedure, error) { return d.entry(name, c, false) }

// entry finds a procedure or a topic.
func (d *Dir) entry(name string, c Caller, topic bool) (*Procedure, error) {
	p, err := d.find(name, c, topic)
	if err != nil {
		err.Topic = topic
		return nil, err
	}
	if (p.Topic != nil) != topic {
		return nil, otherKind(p)
	}
	return p, nil
}

// find finds an entry that the caller may use.
func (d *Dir) find(name string, c Caller, topic bool) (*Procedure, *Error) {
	w := newWalker(d.owner)
	if problems := d.check(w); len(problems) > 0 {
		return nil, refusal(name, problems[0])
	}
	if !isName(name) {
		return nil, d.unknown(w, name, c, topic)
	}
	p, problems, err := d.load(w, name)
	switch {
	case err != nil:
		return nil, d.unknown(w, name, c, topic)
	case len(problems) > 0:
		return nil, refusal(name, problems[0])
	case !p.admitCaller(c):
		return nil, denied(p, c)
	}
	return p, nil
}

// List gives the entries that the caller may call.
func (d *Dir) List(c Caller) ([]*Procedure, []error) {
	w := newWalker(d.owner)
	if problems := d.check(w); len(problems) > 0 {
		return nil, []error{refusal("", problems[0])}
	}
	return d.list(w, func(p *Procedure) bool { return p.admitCaller(c) }, 0)
}

// Resident gives the entries with a file workers.
func (d *Dir) Resident() []*Procedure {
	w := newWalker(d.owner)
	if len(d.check(w)) > 0 {
		return nil
	}
	ps, _ := d.list(w, func(p *Procedure) bool { return p.Workers > 0 }, 0)
	return ps
}

// list gives at most max of the procedures that are wanted; 0: all.
func (d *Dir) list(w *walker, wanted func(*Procedure) bool, max int) (ps []*Procedure, errs []error) {
	names, err := readNames(d.path)
	if err != nil {
		return nil, []error{fmt.Errorf("cannot list %q: %s", d.path, display.Cause(err))}
	}
	for _, name := range names {
		p, problems, err := d.load(w, name)
		switch {
		case err != nil: // removed meanwhile
		case len(problems) > 0:
			errs = append(errs, refusal(name, problems[0]))
		case wanted(p):
			if ps = append(ps, p); len(ps) == max {
				return ps, errs
			}
		}
	}
	return ps, errs
}

// denied refuses a caller that the allow file doesn't admit.
func denied(p *Procedure, c Caller) *Error {
	cure := fmt.Sprintf("the line uid %d in it would", c.UID)
	if c.UID == Overflow {
		cure = "an unmapped uid is admitted by any alone"
	}
	return &Error{Reason: Denied, Name: p.Name, File: filepath.Join(p.folder, "allow"), What: fmt.Sprintf("does not admit %v", c), Cure: cure}
}

// unknown refuses a name that no entry has, and says which ones the caller may call.
func (d *Dir) unknown(w *walker, name string, c Caller, topic bool) *Error {
	e := &Error{Reason: Unknown, Name: name, Cure: "it has none that you may call"}
	if topic {
		e.Cure = "it has none that you may use"
	}
	ps, _ := d.list(w, func(p *Procedure) bool { return p.admitCaller(c) && (p.Topic != nil) == topic }, maxHave+1)
	for i, p := range ps {
		if i == maxHave {
			e.Have = append(e.Have, "...")
			break
		}
		e.Have = append(e.Have, p.Name)
	}
	return e
}

// check gives what is wrong with the directory itself and the way to it.
func (d *Dir) check(w *walker) []Problem {
	f, problems, err := w.walk(d.path)
	switch {
	case err != nil:
		return []Problem{{Unsafe, d.path, "does not exist", "make it: mkdir -p " + display.ShellWord(d.path)}}
	case f.st.Mode == 0:
		return problems
	case !f.is(syscall.S_IFDIR):
		return append(problems, Problem{Unsafe, d.path, "is " + typeName(f.st.Mode) + ", not a directory", "name a directory"})
	}
	w.root = f.path
	if p := w.check(f, atTheEnd); p != nil {
		problems = append(problems, *p)
	}
	return problems
}

// load reads one entry of a directory that is checked already. The procedure may be
// used only if there are no problems. The error is ENOENT.
func (d *Dir) load(w *walker, name string) (*Procedure, []Problem, error) {
	p := &Procedure{Name: name, Path: filepath.Join(d.path, name)}
	if !isName(name) {
		return nil, []Problem{{Unknown, p.Path, "has a control byte in its name, so nobody can call it", "rename it"}}, nil
	}
	f, problems, err := w.walk(filepath.Join(w.root, name))
	switch {
	case err != nil:
		return nil, nil, err
	case f.st.Mode == 0:
	case f.is(syscall.S_IFDIR):
		p.folder, p.Path = p.Path, ""
		problems = append(problems, w.folder(p, f)...)
	default:
		problems = append(problems, w.program(filepath.Join(w.root, name), f)...)
	}
	w.moveCures(problems)
	return p, problems, nil
}

// isName says whether a procedure may have this name: one component of a path, 255
// bytes at most (NAME_MAX), no leading dot and no control byte.
func isName(name string) bool {
	return name != "" && len(name) <= 255 && name[0] != '.' && !strings.Contains(name, "/") && !names.HasControl(name)
}

// refusal refuses a call because of a problem.
func refusal(name string, p Problem) *Error {
	return &Error{Reason: p.Reason, Name: name, File: p.File, What: p.What, Cure: p.Cure}
}
