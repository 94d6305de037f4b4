package export

import (
	"slices"
	"strings"

	"rpcd/internal/names"
	"rpcd/rpcd/export/internal/display"
)

// crossExactly are the variables that change which code a procedure runs. A
// caller's value crosses only if an env file names the variable: a pattern doesn't
// admit it, nor does --all-commands. A * stands for any rest of a name.
var crossExactly = []string{
	"LD_*", "GLIBC_TUNABLES", "GCONV_PATH",
	"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "IFS", "PATH", "BASH_FUNC_*",
	"PYTHON*", "PERL5*", "PERLLIB", "RUBY*", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "GODEBUG",
	"RPC_*",
}

// neverCrosses says whether a variable needs its exact name in an env file.
func neverCrosses(name string) bool {
	return slices.ContainsFunc(crossExactly, func(p string) bool { return matches(p, name) })
}

// admitted are the variables that an env file lets cross.
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

// matches says whether a name matches a pattern, in which each * stands for any
// bytes or none. It takes len(pattern) times len(name) steps at most.
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

// parseEnv reads an env file: on each line NAME, a pattern, or NAME=VALUE. A value
// is taken byte for byte, with its quotes and spaces.
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

// faultOfEnvName says why this can't be a variable's name, or gives "".
func faultOfEnvName(name string) string {
	switch {
	case name == "":
		return "has an empty name"
	case strings.Contains(name, "="):
		return "has a = in its name"
	case strings.Contains(name, " "):
		return "has a space in its name"
	case names.HasControl(name):
		return "has a control byte in its name"
	}
	return ""
}
