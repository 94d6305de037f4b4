package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rpcd/rpcd/export"
	"rpcd/rpcd/export/internal/display"
)

// maxScripts is how many files are looked at in a chain in which each script's
// interpreter is the next one. The kernel follows five (exec_binprm in fs/exec.c).
const maxScripts = 6

// marks are the byte order marks of UTF-8 and of both forms of UTF-16.
var marks = [][]byte{{0xef, 0xbb, 0xbf}, {0xff, 0xfe}, {0xfe, 0xff}}

const firstLineCure = "correct its first line"

// unfit says why the kernel won't execute a program, judged by its first bytes,
// and what to do about it. "": nothing is known against it. What may be a format
// of binfmt_misc passes.
func unfit(p *export.Procedure, o export.Owner) (what, cure string) {
	file := p.Path
	for range maxScripts {
		head := firstBytes(file)
		if head == nil {
			return "", ""
		}
		next, argument, what, cure := firstLine(head)
		switch {
		case what != "" && file != p.Path:
			return "has an interpreter that can't be used: " + display.Quote(file) + " " + what, firstLineCure
		case what != "" || next == "":
			return what, cure
		case filepath.Base(next) == "env" && !onPath(argument, p, o):
			return "asks env for " + display.Quote(argument) + ", which isn't on rpcd's PATH", "install it, or " + firstLineCure
		}
		file = next
	}
	return "has an interpreter that leads back to it", firstLineCure
}

// firstBytes gives the 256 bytes that the kernel looks at. nil: the program can't
// be read, and needn't be readable to be executed.
func firstBytes(path string) []byte {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := f.Read(head)
	return head[:max(n, 0)]
}

// firstLine gives the interpreter of a script that begins with head, and the
// interpreter's argument, or what is wrong with it. Both are empty for a program
// that is no script.
func firstLine(head []byte) (next, argument, what, cure string) {
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := bytes.Cut(head[2:], []byte("\n"))
		next, argument, what = interpreter(string(line))
		return next, argument, what, firstLineCure
	case len(head) == 0:
		what, cure = "is empty, which nothing can run", "write the program, with #!/bin/sh in its first line"
	case slices.ContainsFunc(marks, func(m []byte) bool { return bytes.HasPrefix(head, m) }):
		what, cure = "begins with a byte order mark, which hides its #!", "save it as UTF-8 without one"
	case !bytes.HasPrefix(head, []byte("\x7fELF")) && bytes.IndexByte(head, 0) < 0:
		what, cure = "is text without #!, which only a shell would run", "put #!/bin/sh in its first line"
	}
	return "", "", what, cure
}

// interpreter reads a #! line: a path, and all that follows as one argument
// (execve(2)).
func interpreter(line string) (path, argument, what string) {
	if strings.HasSuffix(line, "\r") {
		return "", "", "has a carriage return at the end of its #! line"
	}
	line = strings.Trim(line, " \t")
	path = line
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		path, argument = line[:i], strings.Trim(line[i:], " \t")
	}
	unusable := "has an interpreter that can't be used: " + display.Quote(path) + ": "
	st, err := os.Stat(path)
	switch {
	case path == "":
		what = "has a #! line without an interpreter"
	case !filepath.IsAbs(path): // then the caller's directory decides which file it is
		what = unusable + "it is another file in each directory"
	case err != nil:
		what = unusable + display.Cause(err)
	case !st.Mode().IsRegular():
		what = unusable + "it is no file"
	case !mayExecute(path):
		what = unusable + "it may not be executed"
	}
	return path, argument, what
}

// onPath says whether env(1) finds its one argument. It says yes where it can't
// know: with options, variables or several words, and where the caller may bring
// a PATH.
func onPath(argument string, p *export.Procedure, o export.Owner) bool {
	path := o.PATH
	for _, entry := range p.Set {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	if path == "" || argument == "" || argument[0] == '-' || strings.ContainsAny(argument, "=/ \t") || p.AdmitEnv("PATH") {
		return true
	}
	return slices.ContainsFunc(filepath.SplitList(path), func(dir string) bool {
		file := filepath.Join(dir, argument)
		st, err := os.Stat(file)
		return !filepath.IsAbs(dir) || err == nil && st.Mode().IsRegular() && mayExecute(file)
	})
}
