package export

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// Kind of a refusal.
type Kind int

// The kinds, with the exit status that rpc leaves with (contract, section 2).
const (
	Unknown       Kind = iota + 1 // 127: no such procedure
	Denied                        // 126: not for this caller, or its rules can't be read
	NotExecutable                 // 126: nothing there that could run
	Unsafe                        // 126: others could have written it, or it is setuid
	Shortage                      // 125: rpcd had no descriptor or memory to look
)

// Status is rpc's exit status for the refusal.
func (k Kind) Status() int {
	switch k {
	case Unknown:
		return 127
	case Shortage:
		return 125
	}
	return 126
}

func (k Kind) String() string {
	switch k {
	case Unknown:
		return "unknown"
	case Denied:
		return "denied"
	case NotExecutable:
		return "not-executable"
	case Unsafe:
		return "unsafe"
	case Shortage:
		return "shortage"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Error is a refused look-up.
type Error struct {
	Kind Kind
	Name string // of the procedure, as asked: any bytes
	File string // at fault; empty when no file is
	What string // is wrong with File
	Cure string // what to try; may be empty
	// Have are names that this caller may call, for Unknown in an exports
	// directory: sorted, at most maxHave, then "...".
	Have []string
}

func (e *Error) Error() string {
	if e.Kind == Unknown {
		if len(e.Have) == 0 {
			return "no procedure " + quote(e.Name) + e.cure()
		}
		return fmt.Sprintf("no procedure %s (it has: %s)", quote(e.Name), strings.Join(e.Have, ", "))
	}
	what := e.What
	if e.File != "" {
		what = strconv.Quote(e.File) + " " + what
	}
	return "cannot run " + quote(e.Name) + ": " + what + e.cure()
}

func (e *Error) cure() string {
	if e.Cure == "" {
		return ""
	}
	return " (" + e.Cure + ")"
}

// Problem is one thing that is wrong in an exports directory.
type Problem struct {
	Kind Kind   // how a call is refused because of it
	File string // at fault
	What string // is wrong with it: the sentence's end, File being its subject
	Cure string // what to do
}

// unread is what an open(2) that failed says: of path or, in a shortage, of
// rpcd.
func unread(path, what string, err error, cure string) *Problem {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM) {
		return &Problem{Shortage, path, what + cause(err), "rpcd is at its limit: raise its ulimit -n, or call again"}
	}
	return &Problem{Denied, path, what + cause(err), cure}
}

// String is one line without control bytes.
func (p Problem) String() string {
	return strconv.Quote(p.File) + " " + p.What + " (" + p.Cure + ")"
}

// quote quotes what a caller sent: control bytes escaped, and cut, because an
// argument may be 128 KiB long.
func quote(s string) string {
	if len(s) > 100 {
		return strconv.Quote(s[:100] + "...")
	}
	return strconv.Quote(s)
}

// word is a path as it may stand in a shell's line.
func word(path string) string {
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/._-+,:@%", c) >= 0 {
			continue
		}
		quoted := strconv.Quote(path)
		if quoted == `"`+path+`"` && !strings.ContainsAny(path, "'") {
			return "'" + path + "'"
		}
		return "$" + "'" + strings.ReplaceAll(quoted[1:len(quoted)-1], "'", `\'`) + "'"
	}
	return path
}
