// Package shim knows the files that make a procedure a command: their text, and the
// folder in which they lie. It calls nothing, and asks no worker.
//
// A shim is a script whose interpreter is rpc, so the kernel starts rpc at once, and a
// person reads what it does. Its first line is
//
//	#!/usr/local/bin/rpc --shim=hugin
//
// From that the kernel makes the words rpc, --shim=hugin, the path of the file, and what
// the caller gave (execve(2)). The last component of the path is the procedure's name.
package shim

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Option begins the word behind rpc that says that a shim was started; the worker
// follows. cmd/rpc/entry knows it, too.
const Option = "--shim="

// maxLine is how many bytes the kernel reads of a first line, with the newline
// (BINPRM_BUF_SIZE of Linux 5.1 and later). It would cut a longer one in silence.
const maxLine = 256

// Shim is what all shims of a worker have in common.
type Shim struct {
	RPC    string // absolute path of rpc, as callers will see it
	Worker string // as on rpc's command line
}

// Check says why the kernel wouldn't give rpc this very worker, or nil.
func (s Shim) Check() error {
	switch {
	case !path.IsAbs(s.RPC):
		return fmt.Errorf("cannot name rpc by %q: the path has to be absolute", s.RPC)
	case strings.ContainsAny(s.RPC, " \t\r\n\x00"):
		return fmt.Errorf("cannot name rpc by %q: a first line ends the path at a blank (give another with --rpc)", s.RPC)
	case path.Base(s.RPC) == "rpc-rsh":
		return fmt.Errorf("cannot name rpc by %q: under that name it takes ssh's words", s.RPC)
	case s.Worker == "":
		return errors.New("cannot make shims of \"\": a worker has a name")
	case strings.ContainsAny(s.Worker, "\r\n\x00"), strings.TrimRight(s.Worker, " \t") != s.Worker:
		return fmt.Errorf("cannot make shims of %q: a first line can't hold a line's end, or a blank at the end", s.Worker)
	case len(s.firstLine()) > maxLine:
		return fmt.Errorf("cannot make shims of %.40q: the first line would have %d bytes, and the kernel reads %d", s.Worker, len(s.firstLine()), maxLine)
	}
	return nil
}

func (s Shim) firstLine() string { return "#!" + s.RPC + " " + Option + s.Worker + "\n" }

// text is a shim's file. The second line is for a shell that reads the file itself, as
// in `sh nona`: without it nothing would run, and the status would be 0.
func (s Shim) text() string {
	return s.firstLine() + "exec " + quote(s.RPC) + " " + Option + quote(s.Worker) + " \"$0\" \"$@\"\n"
}

// quote writes a word for a shell.
func quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-+,:@%"
	if strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// parse reads a file's text. It is false for what isn't a shim, to the byte.
func parse(text string) (s Shim, ok bool) {
	line, _, _ := strings.Cut(text, "\n")
	line, _ = strings.CutPrefix(line, "#!")
	s.RPC, s.Worker, ok = strings.Cut(line, " "+Option)
	return s, ok && s.text() == text
}

// Words gives what a command line means that a shim's first line made: the worker, the
// procedure, and the arguments. rest are the words behind rpc.
func Words(rest []string) (worker, procedure string, args []string, err error) {
	worker = strings.TrimPrefix(rest[0], Option)
	if len(rest) < 2 {
		return "", "", nil, fmt.Errorf("cannot run a shim: %s%s stands in the first line of its file, and the file's path follows", Option, worker)
	}
	return worker, rest[1][strings.LastIndexByte(rest[1], '/')+1:], rest[2:], nil
}
