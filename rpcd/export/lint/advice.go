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
)

// advice gives the problems of a procedure that a look-up doesn't refuse.
func advice(p *export.Procedure, o export.Owner) []export.Problem {
	problems := slices.Concat(ofRules(p), ofWorkers(p), ofWorkdir(p, o))
	if p.Kind() == export.Topic {
		return append(problems, export.Problem{
			Reason: export.NotExecutable, File: filepath.Join(p.Folder(), "topic"),
			What: "makes this a topic, which this release doesn't know: calls are refused",
			Cure: "put a program named run there instead",
		})
	}
	return append(problems, ofProgram(p, o)...)
}

// ofRules is about lines of allow and env that have no effect.
func ofRules(p *export.Procedure) (problems []export.Problem) {
	if slices.ContainsFunc(p.Allow, export.Rule.Unmapped) {
		problems = append(problems, export.Problem{
			Reason: export.Denied, File: filepath.Join(p.Folder(), "allow"),
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

// ofWorkers is about resident workers.
func ofWorkers(p *export.Procedure) []export.Problem {
	switch {
	case p.Workers > 0:
		return []export.Problem{{
			Reason: export.NotExecutable, File: filepath.Join(p.Folder(), "workers"),
			What: "asks for resident workers, which this release doesn't know: calls are refused",
			Cure: "remove it: each call then starts a process of its own",
		}}
	case p.MaxUses > 0:
		return []export.Problem{{
			Reason: export.Denied, File: filepath.Join(p.Folder(), "max-uses"),
			What: "counts for resident workers, and there are none",
			Cure: "remove it",
		}}
	}
	return nil
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
	case errors.Is(err, syscall.EACCES) || err == nil && st.IsDir() && !mayExecute(p.Workdir):
		return bad(fmt.Sprintf("names %q, which rpcd's uid %d may not enter", p.Workdir, o.UID),
			"let that user search it and the directories above, or name another")
	case err != nil:
		return bad(fmt.Sprintf("names %q: %s", p.Workdir, display.Cause(err)), "make the directory, or name another")
	case !st.IsDir():
		return bad(fmt.Sprintf("names %q, which is no directory", p.Workdir), "name a directory")
	}
	return nil
}

// ofProgram is about a program that the kernel won't execute.
func ofProgram(p *export.Procedure, o export.Owner) (problems []export.Problem) {
	bad := func(what, cure string) {
		problems = append(problems, export.Problem{Reason: export.NotExecutable, File: p.Path, What: what, Cure: cure})
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(p.Path, &fs) == nil && fs.Flags&noExec != 0 {
		bad("is on a mount with noexec", "mount it without, or put the program elsewhere and link to it")
	} else if !mayExecute(p.Path) {
		cure := "chmod +x " + display.ShellWord(p.Path)
		if st, err := os.Lstat(p.Path); err == nil && st.Mode().Type() == os.ModeSymlink {
			cure = "link to a program that it may" // chmod would change the link's target
		}
		bad(fmt.Sprintf("may not be executed by rpcd's uid %d", o.UID), cure)
	}
	if what, cure := unfit(p, o); what != "" {
		bad(what, cure)
	}
	return problems
}

// Numbers that package syscall lacks.
const (
	atFDCWD   = -100  // AT_FDCWD (openat(2))
	atEAccess = 0x200 // AT_EACCESS (access(2)): by the effective ids
	xOK       = 1     // X_OK (access(2))
	noExec    = 8     // ST_NOEXEC (statfs(2))
)

// mayExecute asks the kernel, which knows ACLs as well, whether rpcd's user may
// execute a file or search a directory.
func mayExecute(path string) bool {
	return syscall.Faccessat(atFDCWD, path, xOK, atEAccess) == nil
}
