package export

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxScripts is how many scripts in a row the kernel follows, each the next
// one's interpreter, and some more (exec_binprm in fs/exec.c).
const maxScripts = 6

// marks are byte order marks: of UTF-8, and of both UTF-16.
var marks = [][]byte{{0xef, 0xbb, 0xbf}, {0xff, 0xfe}, {0xfe, 0xff}}

const firstLineCure = "correct its first line"

// unfit says why the kernel won't run a program, by its first bytes, and what
// to do; or "". What may be a program of some other kind (binfmt_misc) passes.
func unfit(p *Procedure, o Owner) (what, cure string) {
	file := p.Path
	for range maxScripts {
		head := firstBytes(file)
		if head == nil {
			return "", ""
		}
		next, argument, what, cure := firstLine(head)
		switch {
		case what != "" && file != p.Path:
			return "has an interpreter that can't be used: " + quote(file) + " " + what, firstLineCure
		case what != "" || next == "":
			return what, cure
		case filepath.Base(next) == "env" && !onPath(argument, p, o):
			return "asks env for " + quote(argument) + ", which isn't on rpcd's PATH", "install it, or " + firstLineCure
		}
		file = next
	}
	return "has an interpreter that leads back to it", firstLineCure
}

// firstBytes gives what the kernel looks at, or nil: a program needn't be
// readable.
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

// firstLine gives the interpreter of a script that begins with head, and its
// argument; or what is wrong. A program that is no script has neither.
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

// interpreter reads a #! line (execve(2)): a path, and all the rest as one
// argument.
func interpreter(line string) (path, argument, what string) {
	if strings.HasSuffix(line, "\r") {
		return "", "", "has a carriage return at the end of its #! line"
	}
	line = strings.Trim(line, " \t")
	path = line
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		path, argument = line[:i], strings.Trim(line[i:], " \t")
	}
	unusable := "has an interpreter that can't be used: " + quote(path) + ": "
	st, err := os.Stat(path)
	switch {
	case path == "":
		what = "has a #! line without an interpreter"
	case !filepath.IsAbs(path): // the caller would choose it, by its directory
		what = unusable + "it is another file in each directory"
	case err != nil:
		what = unusable + cause(err)
	case !st.Mode().IsRegular():
		what = unusable + "it is no file"
	case !mayRun(path):
		what = unusable + "it may not be executed"
	}
	return path, argument, what
}

// onPath says whether env(1) finds its one argument. What it does with options,
// variables and many words isn't judged, nor a PATH that isn't rpcd's alone.
func onPath(argument string, p *Procedure, o Owner) bool {
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
		return !filepath.IsAbs(dir) || err == nil && st.Mode().IsRegular() && mayRun(file)
	})
}
