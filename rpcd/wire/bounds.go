package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// The longest texts of a first frame, in bytes (PROTOCOL.md, section 3). They are
// looked at before a text is copied: a worker keeps these while a call runs.
const (
	// MaxName is the longest name of a procedure: NAME_MAX, which a name in an
	// exports directory can have.
	MaxName = 255
	// MaxPath is the longest path: that of a procedure (a name with a slash), of the
	// directory and of the logical directory. It is PATH_MAX without its NUL.
	MaxPath = 4095
	// MaxLabel is the longest label.
	MaxLabel = 4096
)

// MaxWords is how many words a call has at most: arguments and variables. The
// kernel takes no more of them under the usual limits: 2 MiB, where each counts with
// its NUL and a pointer (execve(2)).
const MaxWords = 256 << 10

// maxEntries is how many procedures of a LISTING, and calls of a CALLS, are written and
// read. It is more than machines have commands.
const maxEntries = 16 << 10

// maxStreams is more than a call can have: MaxStream+1, and a probe a descriptor.
const maxStreams = MaxStream + 1 + MaxDescriptors

// LengthError says that a text or a list of a first frame is over its bound. It is an
// ErrProtocol.
type LengthError struct {
	Code         Code   // of its refusal
	What         string // "a procedure's name"
	Length, Most int
	Unit         string // "bytes"
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("%s of %d %s (at most %d)", e.What, e.Length, e.Unit, e.Most)
}

// Unwrap makes it an ErrProtocol.
func (e *LengthError) Unwrap() error { return ErrProtocol }

// CheckProcedure gives a *LengthError for a name that is too long for a procedure.
func CheckProcedure(name string) error {
	return checkProcedure(len(name), strings.Contains(name, "/"))
}

func checkProcedure(length int, path bool) error {
	if path {
		return checkLength(Unknown, "a procedure's path", length, MaxPath)
	}
	return checkLength(Unknown, "a procedure's name", length, MaxName)
}

// procedure takes v as a procedure's name, of tag's only field.
func (r *reader) procedure(tag uint16, v []byte) string {
	if err := checkProcedure(len(v), bytes.IndexByte(v, '/') >= 0); err != nil {
		r.fail(err)
		return ""
	}
	return r.text(tag, v)
}

func checkLength(code Code, what string, length, most int) error {
	if length > most {
		return &LengthError{code, what, length, most, "bytes"}
	}
	return nil
}

// CheckWords gives a *LengthError for more arguments and variables than MaxWords.
func CheckWords(n int) error {
	if n > MaxWords {
		return &LengthError{TooLong, "a list of arguments and variables", n, MaxWords, "entries"}
	}
	return nil
}

// maxError bounds, in bytes, an error about the other side's bytes: it is logged, and
// sent back.
const maxError = 512

// The memory of a first frame, in bytes, until its process has started: the frame
// and the text that is made of it; and for each word the header of a string, in the
// call and in the list for execve(2), and a pointer there.
const (
	byteCost = 2
	wordCost = 16 + 16 + 8
)

// MostCost bounds the memory in bytes that a first frame of this length costs.
func MostCost(length int) int64 { return cost(byteCost*length, min(length/fieldHead, MaxWords)) }

// Cost gives the memory in bytes that a call costs whose first frame had this length,
// once it is parsed and the frame is gone.
func (c *Call) Cost(length int) int64 { return cost(length, len(c.Args)+len(c.Env)) }

func cost(length, words int) int64 { return int64(length) + wordCost*int64(words) }

// words makes room for the arguments and variables of a CALL whose fields b holds,
// or says that there are too many. What makes no sense is left to ParseCall.
func (c *Call) words(b []byte) error {
	args, env := 0, 0
	r := reader{b: b}
	for tag, _, ok := r.next(); ok; tag, _, ok = r.next() {
		switch tag {
		case 2:
			args++
		case 3:
			env++
		}
	}
	if err := CheckWords(args + env); err != nil {
		return err
	}
	if args > 0 {
		c.Args = make([]string, 0, args)
	}
	if env > 0 {
		c.Env = make([]string, 0, env)
	}
	return nil
}

// word takes v, which lies in the fields that b holds, as a part of the same bytes as a
// text. So a word costs its header alone.
func (r *reader) word(tag uint16, v []byte) string {
	if bytes.IndexByte(v, 0) >= 0 {
		r.fail(protocolError("a NUL byte in field %d", tag))
		return ""
	}
	end := len(r.whole) - len(r.b)
	return r.whole[end-len(v) : end]
}
