package export

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// Reason is why a look-up is refused.
type Reason int

// The reasons.
const (
	Unknown       Reason = iota + 1 // there is no such procedure
	Denied                          // not for this caller, or its rules can't be read
	NotExecutable                   // nothing is there that could run
	Unsafe                          // others could have written the program or its rules, or it is setuid or has capabilities
	Shortage                        // rpcd had no descriptor or memory to look
)

func (r Reason) String() string {
	switch r {
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
	return "reason " + strconv.Itoa(int(r))
}

// Error is a refused look-up. Its text is one line without control bytes.
type Error struct {
	Reason Reason
	Name   string // of the procedure, as the caller wrote it: any bytes
	File   string // at fault; empty: no file is
	What   string // is wrong with File
	Cure   string // what to try; may be empty
	Topic  bool   // a topic was looked for
	// Have are the names that this caller may call, for Unknown in an exports
	// directory: sorted, 20 at most, then "...".
	Have []string
}

func (e *Error) Error() string {
	kind, act := "procedure", "run"
	if e.Topic {
		kind, act = "topic", "use"
	}
	if e.Reason == Unknown {
		if len(e.Have) == 0 {
			return "no " + kind + " " + display.Quote(e.Name) + e.cure()
		}
		return fmt.Sprintf("no %s %s (it has: %s)", kind, display.Quote(e.Name), shortList(e.Have))
	}
	what := e.What
	if e.File != "" {
		what = strconv.Quote(e.File) + " " + what
	}
	return "cannot " + act + " " + display.Quote(e.Name) + ": " + what + e.cure()
}

// mostListed bounds, in bytes, the names in an error line: with the rest of it
// they fit into two lines of a terminal.
const mostListed = 80

// shortList joins names by commas, and ends in "..." where it leaves some out.
func shortList(names []string) string {
	list := ""
	for i, name := range names {
		if i > 0 {
			list += ", "
		}
		if len(list)+len(name) > mostListed {
			return list + "..."
		}
		list += name
	}
	return list
}

func (e *Error) cure() string {
	if e.Cure == "" {
		return ""
	}
	return " (" + e.Cure + ")"
}

// Problem is one thing that is wrong in an exports directory.
type Problem struct {
	Reason Reason // why a call is refused because of it
	File   string // at fault
	What   string // is wrong with it: the rest of a sentence that File begins
	Cure   string // what to do
}

// problemList collects problems.
type problemList []Problem

// note adds a problem; nil is none.
func (l *problemList) note(p *Problem) {
	if p != nil {
		*l = append(*l, *p)
	}
}

// unread makes a problem of a failed open(2). In a shortage of descriptors or memory
// it is rpcd's problem and not the file's.
func unread(path, what string, err error, cure string) *Problem {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM) {
		return &Problem{Shortage, path, what + display.Cause(err), "rpcd is at its limit: raise its ulimit -n, or call again"}
	}
	return &Problem{Denied, path, what + display.Cause(err), cure}
}

// of gives what String does, for a sentence that has named a file already.
func (p Problem) of(file string) string {
	if p.File != file {
		return p.String()
	}
	return "it " + p.What + " (" + p.Cure + ")"
}

// String gives one line without control bytes, which begins with the quoted file.
func (p Problem) String() string {
	return strconv.Quote(p.File) + " " + p.What + " (" + p.Cure + ")"
}
