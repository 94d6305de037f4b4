package export

import (
	"errors"
	"iter"
	"path"
	"strconv"
	"strings"

	"rpcd/rpcd/duration"
	"rpcd/rpcd/export/internal/display"
)

// fault is what is wrong in a rule, and what to do.
type fault struct{ what, cure string }

func (f fault) Error() string { return f.what + " (" + f.cure + ")" }

// maxFaults of one file are told.
const maxFaults = 5

// maxCount bounds the numbers in rule files: more is a typing error.
const maxCount = 1_000_000

// ruleFiles are the files of a procedure's folder that hold rules, each with
// its reader. `run` and `topic` are what the folder is, and are no rules.
var ruleFiles = map[string]func(p *Procedure, text string) []fault{
	"allow": func(p *Procedure, text string) (faults []fault) {
		p.HasAllow = true
		p.Allow, faults = parseAllow(text)
		return faults
	},
	"args": func(p *Procedure, text string) []fault {
		if strings.Contains(text, "\x00") {
			return []fault{{"has a NUL in it", "no argument can hold one: remove it"}}
		}
		for n, line := range lines(text) {
			if strings.HasSuffix(line, "\r") {
				return []fault{{at(n) + "ends in a carriage return, which would be part of the argument", "save it with plain newlines"}}
			}
			p.Args = append(p.Args, line)
		}
		return nil
	},
	"env": func(p *Procedure, text string) (faults []fault) {
		p.env, p.Set, faults = parseEnv(text)
		return faults
	},
	"summary": func(p *Procedure, text string) []fault {
		p.Summary = strings.TrimSpace(text)
		if control(p.Summary) {
			p.Summary = ""
			return []fault{{"has a second line or a control byte", "make it one line of text"}}
		}
		return nil
	},
	"workdir": func(p *Procedure, text string) []fault {
		p.Workdir = strings.TrimRight(text, "\n")
		if !path.IsAbs(p.Workdir) || control(p.Workdir) {
			p.Workdir = ""
			return []fault{{"is no absolute path on one line: " + display.Quote(text), "write a path that begins with a slash"}}
		}
		return nil
	},
	"timeout": func(p *Procedure, text string) []fault {
		d, err := duration.Parse(strings.TrimSpace(text))
		if err != nil {
			return []fault{{"can't be read: " + err.Error(), "no file: no limit"}}
		}
		p.Timeout = d
		return nil
	},
	"max-calls": func(p *Procedure, text string) []fault { return count(&p.MaxCalls, text) },
	"workers":   func(p *Procedure, text string) []fault { return count(&p.Workers, text) },
	"max-uses":  func(p *Procedure, text string) []fault { return count(&p.MaxUses, text) },
	"keep":      func(p *Procedure, text string) []fault { return flag(&p.Keep, text) },
	"log-args":  func(p *Procedure, text string) []fault { return flag(&p.LogArgs, text) },
}

// parseAllow reads an allow file: a rule a line. The rules are complete only
// when there is no fault.
func parseAllow(text string) (rules Rules, faults []fault) {
	for n, line := range lines(text) {
		if comment(line) {
			continue
		}
		r, err := ParseRule(line)
		if f := (fault{}); errors.As(err, &f) {
			faults = append(faults, fault{at(n) + f.what, f.cure + "; until then nobody is admitted"})
			continue
		}
		rules = append(rules, r)
	}
	return rules, faults
}

func count(to *int, text string) []fault {
	word := strings.TrimSpace(text)
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil || n < 1 || n > maxCount {
		return []fault{{"is no number from 1 to " + strconv.Itoa(maxCount) + ": " + display.Quote(word),
			"write one, or remove the file"}}
	}
	*to = int(n)
	return nil
}

// flag is set by the file's being there. A word in it may well be "no".
func flag(to *bool, text string) []fault {
	*to = true
	if strings.TrimSpace(text) != "" {
		return []fault{{"isn't empty: it counts by being there, whatever it says", "empty it, or remove it"}}
	}
	return nil
}

// lines are numbered from 1 and have no newline; the last may lack its own.
func lines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for n := 1; text != ""; n++ {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			if !yield(n, line) {
				return
			}
		}
	}
}

// comment: blank lines count as such.
func comment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

func at(line int) string { return "line " + strconv.Itoa(line) + ": " }
