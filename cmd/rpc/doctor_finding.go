package main

import (
	"fmt"
	"io"
	"strings"

	"rpcd/internal/printable"
)

// level is how a finding is meant.
type level string

const (
	good level = "ok"
	note level = "note" // works, but not as one might think
	bad  level = "bad"  // calls fail, or don't do what they should

	// fatal is bad, and nothing that follows can be found out. aside is a note, and
	// likewise.
	fatal level = "bad, and the end"
	aside level = "note, and the end"
)

// word is what stands before a finding.
func (l level) word() string {
	word, _, _ := strings.Cut(string(l), ",")
	return word
}

// rule is a finding and when it is made. Of the rules of one subject the first
// that fits counts. Words in braces in text and cure are those of facts.words.
type rule struct {
	subject string
	when    func(*facts) bool // nil: always
	level   level
	text    string // "": nothing to say
	cure    string // of what is bad; of a note, where there is one
}

// writeFindings writes the findings of a list of rules, and says whether one is
// bad.
func writeFindings(w io.Writer, f *facts, rules []rule) (isBad bool, err error) {
	fill := strings.NewReplacer(f.words()...)
	decided := ""
	for _, r := range rules {
		if r.subject == decided || r.when != nil && !r.when(f) {
			continue
		}
		decided = r.subject
		if r.text == "" {
			continue
		}
		if _, werr := fmt.Fprintf(w, "%-4s  %s: %s\n", r.level.word(), r.subject, printable.Line(fill.Replace(r.text))); werr != nil && err == nil {
			err = werr
		}
		if r.cure != "" {
			_, _ = fmt.Fprintf(w, "      cure: %s\n", printable.Line(fill.Replace(r.cure)))
		}
		isBad = isBad || r.level.word() == string(bad)
		if r.level == fatal || r.level == aside {
			break
		}
	}
	return isBad, err
}
