package export

import (
	"slices"
	"strings"
	"unicode"

	"rpcd/rpcd/export/internal/display"
)

// crossExactly are the variables that change which code runs: the caller's
// value crosses only when an env file names the variable, not by a pattern and
// not under --all-commands (contract, section 4). A * ends a prefix.
var crossExactly = []string{
	"LD_*", "GLIBC_TUNABLES", "GCONV_PATH",
	"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "IFS", "PATH", "BASH_FUNC_*",
	"PYTHON*", "PERL5*", "PERLLIB", "RUBY*", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "GODEBUG",
	"RPC_*",
}

func neverCrosses(name string) bool {
	return slices.ContainsFunc(crossExactly, func(p string) bool { return matches(p, name) })
}

// admitted is what an env file lets cross.
type admitted struct {
	names    []string // exact
	patterns []string // with a *
}

func (a admitted) admit(name string) bool {
	if slices.Contains(a.names, name) {
		return true
	}
	return !neverCrosses(name) &&
		slices.ContainsFunc(a.patterns, func(p string) bool { return matches(p, name) })
}

// matches: each * stands for any bytes, none included. The work is at most
// len(pattern) times len(name).
func matches(pattern, name string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, rest, more := strings.Cut(tail, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, tail = name[at+len(part):], rest
	}
}

// parseEnv reads an env file: NAME, a pattern, or NAME=VALUE (the value byte
// for byte: no quotes, no trimming) on each line.
func parseEnv(text string) (a admitted, set []string, faults []fault) {
	for n, line := range lines(text) {
		if comment(line) {
			continue
		}
		name, value, sets := strings.Cut(line, "=")
		name = strings.TrimLeft(name, " \t")
		if !sets {
			name = strings.TrimRight(name, " \t")
		}
		why := faultOfEnvName(name)
		switch {
		case strings.HasSuffix(line, "\r"):
			why = "ends in a carriage return"
		case why != "":
		case strings.ContainsAny(name, "?[]"):
			why = "has a wildcard other than *"
		case sets && strings.Contains(name, "*"):
			why = "sets a pattern"
		case strings.Contains(value, "\x00"):
			why = "has a NUL in its value"
		}
		switch {
		case why != "":
			faults = append(faults, fault{
				what: at(n) + display.Quote(line) + " " + why,
				cure: "write NAME, a pattern like LC_*, or NAME=VALUE",
			})
		case sets:
			set = append(set, name+"="+value)
		case strings.Contains(name, "*"):
			a.patterns = append(a.patterns, name)
		default:
			a.names = append(a.names, name)
		}
	}
	return a, set, faults
}

// faultOfEnvName is why this is no variable's name, or "".
func faultOfEnvName(name string) string {
	switch {
	case name == "":
		return "has an empty name"
	case strings.Contains(name, "="):
		return "has a = in its name"
	case strings.Contains(name, " "):
		return "has a space in its name"
	case control(name):
		return "has a control byte in its name"
	}
	return ""
}

// control says whether a text has control bytes. Those of C1 count as well, since
// a terminal may obey U+009B as it obeys ESC [.
func control(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
