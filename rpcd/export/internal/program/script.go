package program

import (
	"bytes"
	"slices"
	"strings"

	"rpcd/rpcd/export/internal/display"
)

// Script is a file with a #! line.
type Script struct {
	File        string
	Interpreter string // absolute
	Argument    string // all that follows on the line: one argument (execve(2)); may be empty
	Cut         bool   // the line is longer than what the kernel reads of it
}

// marks are the byte order marks of UTF-8 and of both forms of UTF-16.
var marks = [][]byte{{0xef, 0xbb, 0xbf}, {0xff, 0xfe}, {0xfe, 0xff}}

// blanks may stand on a #! line between its parts.
const blanks = " \t"

const firstLineCure = "correct its first line"

// CarriageReturn is what is wrong with a #! line that was saved for Windows.
const CarriageReturn = "has a carriage return at the end of its #! line"

// script reads a #! line as load_script does (fs/binfmt_script.c). head holds the
// first headSize bytes of the file, or all of it.
func script(file string, head []byte) (*Script, *Fault) {
	bad := func(what string) (*Script, *Fault) { return nil, &Fault{What: what, Cure: firstLineCure} }
	line, _, whole := bytes.Cut(head[2:], []byte("\n"))
	cut := !whole && len(head) == headSize
	text := strings.TrimLeft(string(line), blanks)
	path, rest := text, ""
	if i := strings.IndexAny(text, blanks+"\x00"); i >= 0 {
		path, rest = text[:i], text[i:]
	} else if cut && text != "" {
		return bad("has a #! line whose interpreter is over 250 bytes long")
	}
	rest, _, _ = strings.Cut(rest, "\x00") // also where that is what ends the path
	switch {
	case path == "":
		return bad("has a #! line without an interpreter")
	case strings.HasSuffix(path, "\r"):
		return bad(CarriageReturn)
	case relative(path): // then the caller's directory decides which file it is
		return bad("can't start: its interpreter " + display.Quote(path) + " is another file in each directory")
	}
	return &Script{File: file, Interpreter: path, Argument: strings.Trim(rest, blanks), Cut: cut}, nil
}

// binaryByte says whether a byte stands in no text. Texts that aren't UTF-8 are
// texts, too.
func binaryByte(r rune) bool {
	return r < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1b", r) || r == 0x7f
}

// strange says what a file is that is neither a script nor ELF. No kernel runs it
// without binfmt_misc.
func strange(head []byte) *Fault {
	switch {
	case len(head) == 0:
		return &Fault{What: "is empty, which nothing can run", Cure: "write the program, with #!/bin/sh in its first line"}
	case slices.ContainsFunc(marks, func(m []byte) bool { return bytes.HasPrefix(head, m) }):
		return &Fault{What: "begins with a byte order mark, which hides its #!", Cure: "save it as UTF-8 without one"}
	case !bytes.ContainsFunc(head, binaryByte):
		return &Fault{What: "is text without #!, which only a shell would run", Cure: "put #!/bin/sh in its first line"}
	}
	return &Fault{What: "is neither ELF nor a script, and of no format that binfmt_misc shows", Cure: "export a program for this machine, or a script that starts it"}
}
