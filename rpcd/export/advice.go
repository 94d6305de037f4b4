package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// For syscalls that the package syscall has without their constants.
const (
	atFDCWD   = -100  // AT_FDCWD (openat(2))
	atEAccess = 0x200 // AT_EACCESS (access(2)): by the effective ids
	execute   = 1     // X_OK
	noExec    = 8     // ST_NOEXEC (statfs(2))
)

// advice is what a look-up lets pass, though it will fail or surprise: the
// kernel judges at the exec, and by then a caller reads the message.
func advice(p *Procedure, o Owner) (problems []Problem) {
	bad := func(kind Kind, file, what, cure string) {
		problems = append(problems, Problem{kind, file, what, cure})
	}
	if slices.ContainsFunc(p.Allow, func(r Rule) bool { return r.what != "any" && r.id == Overflow }) {
		bad(Denied, filepath.Join(p.folder, "allow"), fmt.Sprintf("has a rule for %d, the kernel's number for unmapped strangers: it admits nobody", Overflow),
			"write the caller's number as rpcd sees it, or any")
	}
	for _, entry := range p.Set {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains(setLast, name) {
			bad(Denied, filepath.Join(p.folder, "env"), fmt.Sprintf("sets %q, which rpcd sets itself for each call", name), "remove that line")
		}
	}
	if p.Workers > 0 {
		bad(NotExecutable, filepath.Join(p.folder, "workers"), "asks for resident workers, which this release doesn't know: calls are refused",
			"remove it: each call then starts a process of its own")
	} else if p.MaxUses > 0 {
		bad(Denied, filepath.Join(p.folder, "max-uses"), "counts for resident workers, and there are none", "remove it")
	}
	if p.Workdir != "" {
		file := filepath.Join(p.folder, "workdir")
		if st, err := os.Stat(p.Workdir); errors.Is(err, syscall.EACCES) || err == nil && st.IsDir() && !mayRun(p.Workdir) {
			bad(Denied, file, fmt.Sprintf("names %q, which rpcd's uid %d may not enter", p.Workdir, o.UID), "let that user search it and the directories above, or name another")
		} else if err != nil {
			bad(Denied, file, fmt.Sprintf("names %q: %s", p.Workdir, cause(err)), "make the directory, or name another")
		} else if !st.IsDir() {
			bad(Denied, file, fmt.Sprintf("names %q, which is no directory", p.Workdir), "name a directory")
		}
	}
	if p.Topic {
		bad(NotExecutable, filepath.Join(p.folder, "topic"), "makes this a topic, which this release doesn't know: calls are refused",
			"put a program named run there instead")
		return problems
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(p.Path, &fs) == nil && fs.Flags&noExec != 0 {
		bad(NotExecutable, p.Path, "is on a mount with noexec", "mount it without, or put the program elsewhere and link to it")
	} else if !mayRun(p.Path) {
		cure := "chmod +x " + word(p.Path)
		if st, err := os.Lstat(p.Path); err == nil && st.Mode().Type() == os.ModeSymlink {
			cure = "link to a program that it may" // chmod would follow
		}
		bad(NotExecutable, p.Path, fmt.Sprintf("may not be executed by rpcd's uid %d", o.UID), cure)
	}
	if what, cure := unfit(p, o); what != "" {
		bad(NotExecutable, p.Path, what, cure)
	}
	return problems
}

// mayRun asks the kernel, which knows ACLs. Of a directory it means search.
func mayRun(path string) bool {
	return syscall.Faccessat(atFDCWD, path, execute, atEAccess) == nil
}

// setLast are the variables that rpcd sets itself for a call, after the env
// file's (rpcd/environ.go).
var setLast = []string{"PWD", "RPC_CALL_ID", "RPC_WORKER", "RPC_PROCEDURE", "RPC_LABEL", "RPC_CALLER_UID", "RPC_CALLER_GID"}
