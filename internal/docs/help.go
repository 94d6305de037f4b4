package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// helped is what the help of a command or of a verb says.
type helped struct {
	about   string   // paragraphs
	usage   string   // without the word
	verbs   []string // in its order
	options []option
}

// option is one of a help's: "-e, --env NAME[=VAL]", and what it does.
type option struct{ tag, text string }

// name is the long form of an option, by which a page adds to it.
func (o option) name() string { return longOption.FindString(o.tag) }

var (
	longOption = regexp.MustCompile(`--[a-z0-9-]+`)
	// optionLine is the first line of an option. Three blanks or more stand behind its tag.
	optionLine = regexp.MustCompile(`^ {2}(?:(-\w), |    )(--\S+(?: \S+)?) {3,}(\S.*)$`)
	verbLine   = regexp.MustCompile(`^ {2}([a-z]+) {2,}\S`)
)

// askHelp runs a program for its help, or for that of a verb.
func askHelp(folder string, words ...string) (*helped, error) {
	out, err := exec.Command(filepath.Join(folder, words[0]), append(words[1:], "--help")...).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot ask %q for its help: %w", strings.Join(words, " "), err)
	}
	return parseHelp(string(out))
}

// parseHelp reads what package commandline writes.
func parseHelp(text string) (*helped, error) {
	about, rest, ok := strings.Cut(text, "\n\nUsage: ")
	if !ok {
		return nil, fmt.Errorf("cannot read a help without a usage: %q", text)
	}
	h := &helped{about: about}
	h.usage, rest, _ = strings.Cut(rest, "\n")
	part := ""
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\n")
		verb, tag := verbLine.FindStringSubmatch(line), optionLine.FindStringSubmatch(line)
		switch {
		case line == "":
		case !strings.HasPrefix(line, " "):
			part, _, _ = strings.Cut(line, " ")
		case part == "Verbs" && verb != nil:
			h.verbs = append(h.verbs, verb[1])
		case part == "Options:" && tag != nil:
			short := tag[1]
			if short != "" {
				short += ", "
			}
			h.options = append(h.options, option{short + tag[2], tag[3]})
		case part == "Options:" && len(h.options) > 0:
			h.options[len(h.options)-1].text += " " + strings.TrimSpace(line)
		default:
			return nil, fmt.Errorf("cannot read a line of a help: %q", line)
		}
	}
	return h, nil
}
