package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rpcd/rpcd/export"
	"rpcd/rpcd/export/internal/display"
	"rpcd/rpcd/export/internal/program"
)

// advice gives the problems of a procedure that a look-up doesn't refuse.
func advice(p *export.Procedure, o export.Owner) []export.Problem {
	return slices.Concat(ofRules(p), ofWorkdir(p, o), ofResident(p, o), ofProgram(p, o))
}

// ofRules is about lines of allow and env that have no effect.
func ofRules(p *export.Procedure) (problems []export.Problem) {
	files := map[string]export.Rules{"allow": p.Allow}
	if p.Topic != nil {
		files["publish"] = p.Topic.Publish
	}
	for name, rules := range files {
		if !slices.ContainsFunc(rules, export.Rule.Unmapped) {
			continue
		}
		problems = append(problems, export.Problem{
			Reason: export.Denied, File: filepath.Join(p.Folder(), name),
			What: fmt.Sprintf("has a rule for %d, the kernel's number for unmapped strangers: it admits nobody", export.Overflow),
			Cure: "write the caller's number as rpcd sees it, or any",
		})
	}
	for _, entry := range p.Set {
		if name, _, _ := strings.Cut(entry, "="); export.SetForEachCall(name) {
			problems = append(problems, export.Problem{
				Reason: export.Denied, File: filepath.Join(p.Folder(), "env"),
				What: fmt.Sprintf("sets %q, which rpcd sets itself for each call", name),
				Cure: "remove that line",
			})
		}
	}
	return problems
}

// ofWorkdir is about a directory that isn't there, or that rpcd can't enter.
func ofWorkdir(p *export.Procedure, o export.Owner) []export.Problem {
	if p.Workdir == "" {
		return nil
	}
	bad := func(what, cure string) []export.Problem {
		return []export.Problem{{Reason: export.Denied, File: filepath.Join(p.Folder(), "workdir"), What: what, Cure: cure}}
	}
	st, err := os.Stat(p.Workdir)
	switch {
	case errors.Is(err, syscall.EACCES) || err == nil && st.IsDir() && !program.MayExecute(p.Workdir):
		return bad(fmt.Sprintf("names %q, which rpcd's uid %d may not enter", p.Workdir, o.UID),
			"let that user search it and the directories above, or name another")
	case err != nil:
		return bad(fmt.Sprintf("names %q: %s", p.Workdir, display.Cause(err)), "make the directory, or name another")
	case !st.IsDir():
		return bad(fmt.Sprintf("names %q, which is not a directory", p.Workdir), "name a directory")
	}
	return nil
}

// ofProgram is about a program that the kernel won't execute, or that fails at once. A
// topic has none.
func ofProgram(p *export.Procedure, o export.Owner) []export.Problem {
	if p.Topic != nil {
		return nil
	}
	bad := func(what, cure string) []export.Problem {
		return []export.Problem{{Reason: export.NotExecutable, File: p.Path, What: what, Cure: cure}}
	}
	report := program.Inspect(p.Path)
	if report.Fault != nil {
		return bad(report.Fault.What, report.Fault.Cure)
	}
	for _, script := range report.Scripts {
		if what, cure := surprise(script, p, o); what != "" {
			return bad(what, cure)
		}
	}
	return nil
}
