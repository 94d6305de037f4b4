package export

import (
	"bytes"
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
	if p.MaxUses > 0 && p.Workers == 0 {
		bad(Denied, filepath.Join(p.folder, "max-uses"), "counts for resident workers, and there are none", "add workers, or remove it")
	}
	if p.Workdir != "" {
		if st, err := os.Stat(p.Workdir); err != nil {
			bad(Denied, filepath.Join(p.folder, "workdir"), fmt.Sprintf("names %q: %s", p.Workdir, cause(err)), "make the directory, or name another")
		} else if !st.IsDir() {
			bad(Denied, filepath.Join(p.folder, "workdir"), fmt.Sprintf("names %q, which is no directory", p.Workdir), "name a directory")
		}
	}
	if p.Topic {
		return problems
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(p.Path, &fs) == nil && fs.Flags&noExec != 0 {
		bad(NotExecutable, p.Path, "is on a mount with noexec", "mount it without, or put the program elsewhere and link to it")
	} else if !mayRun(p.Path, o) {
		bad(NotExecutable, p.Path, fmt.Sprintf("may not be executed by rpcd's uid %d", o.UID), "chmod +x "+word(p.Path))
	}
	if what := interpreter(p.Path); what != "" {
		bad(NotExecutable, p.Path, what, "correct its first line")
	}
	return problems
}

// mayRun asks the kernel, which knows ACLs; for another owner than this process
// it goes by the mode.
func mayRun(path string, o Owner) bool {
	if uint32(os.Geteuid()) == o.UID {
		return syscall.Faccessat(atFDCWD, path, execute, atEAccess) == nil
	}
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return false
	}
	switch {
	case o.UID == 0:
		return st.Mode&0o111 != 0
	case o.UID == st.Uid:
		return st.Mode&0o100 != 0
	case o.GID == st.Gid || slices.Contains(o.Groups, st.Gid):
		return st.Mode&0o010 != 0
	}
	return st.Mode&0o001 != 0
}

// interpreter says why a script's first line won't work, or "" (execve(2)).
func interpreter(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "" // a program needn't be readable
	}
	defer f.Close()
	head := make([]byte, 256) // the kernel reads no more
	n, _ := f.Read(head)
	return firstLine(head[:n])
}

// firstLine is interpreter of a program that begins with head.
func firstLine(head []byte) string {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	words, script := strings.CutPrefix(string(line), "#!")
	if !script {
		return ""
	}
	if strings.HasSuffix(words, "\r") {
		return "has a carriage return at the end of its #! line"
	}
	fields := strings.Fields(words)
	if len(fields) == 0 {
		return "has a #! line without an interpreter"
	}
	if _, err := os.Stat(fields[0]); err != nil {
		return "has an interpreter that can't be used: " + quote(fields[0]) + ": " + cause(err)
	}
	return ""
}
