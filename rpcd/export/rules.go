package export

import (
	"errors"
	"iter"
	"path"
	"strconv"
	"strings"

	"rpcd/internal/names"
	"rpcd/rpcd/duration"
	"rpcd/rpcd/export/internal/display"
)

// fault is what is wrong in a rule file, and what to do.
type fault struct{ what, cure string }

func (f fault) Error() string { return f.what + " (" + f.cure + ")" }

// maxFaults is how many faults of one file are reported.
const maxFaults = 5

// maxCount is the largest number in a rule file. A larger one is a typing error.
const maxCount = 1_000_000

// maxWorkers is how many resident workers a procedure may have: each is a process
// that is started with the daemon.
const maxWorkers = 1024

// ruleFiles are the files of a procedure's folder that hold rules, each with its
// reader. `run` is the program, and isn't among them.
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
		if names.HasControl(p.Summary) {
			p.Summary = ""
			return []fault{{"has a second line or a control byte", "make it one line of text"}}
		}
		return nil
	},
	"workdir": func(p *Procedure, text string) []fault {
		p.Workdir = strings.TrimRight(text, "\n")
		if !path.IsAbs(p.Workdir) || names.HasControl(p.Workdir) {
			p.Workdir = ""
			return []fault{{"is not an absolute path on one line: " + display.Quote(text), "write a path that begins with a slash"}}
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
	"max-calls": func(p *Procedure, text string) []fault { return count(&p.MaxCalls, text, maxCount) },
	"workers":   func(p *Procedure, text string) []fault { return count(&p.Workers, text, maxWorkers) },
	"max-uses":  func(p *Procedure, text string) []fault { return count(&p.MaxUses, text, maxCount) },
	"max-rss":   func(p *Procedure, text string) []fault { return count(&p.MaxRSS, text, maxCount) },
	"topic":     func(p *Procedure, text string) []fault { return p.topic().parse(text) },
	"publish": func(p *Procedure, text string) (faults []fault) {
		p.topic().HasPublish = true
		p.topic().Publish, faults = parseAllow(text)
		return faults
	},
	"keep":     func(p *Procedure, text string) []fault { return flag(&p.Keep, text) },
	"log-args": func(p *Procedure, text string) []fault { return flag(&p.LogArgs, text) },
}

// parseAllow reads an allow file: a rule on each line. The rules may be used only if
// there are no faults.
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

// count reads a number from 1 to most.
func count(to *int, text string, most int) []fault {
	word := strings.TrimSpace(text)
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil || n < 1 || n > uint64(most) {
		return []fault{{"is not a number from 1 to " + strconv.Itoa(most) + ": " + display.Quote(word),
			"write one, or remove the file"}}
	}
	*to = int(n)
	return nil
}

// flag reads a file that counts by being there. It has to be empty, since an
// operator may have written "no" into it.
func flag(to *bool, text string) []fault {
	*to = true
	if strings.TrimSpace(text) != "" {
		return []fault{{"isn't empty: it counts by being there, whatever it says", "empty it, or remove it"}}
	}
	return nil
}

// lines gives the lines of a text without their newlines, and their numbers from 1.
// The last line may lack its newline.
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

// comment says whether a line is a comment, or blank.
func comment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

// at says where in a file something is wrong.
func at(line int) string { return "line " + strconv.Itoa(line) + ": " }
