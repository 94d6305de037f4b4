package main

import (
	"slices"
	"strings"
	"testing"
)

func TestDispatch(t *testing.T) {
	for _, r := range []struct {
		line string // the words after argv[0], separated by blanks; '' is an empty word
		want form
	}{
		{"", partialCall},
		{"w", partialCall},
		{"''", partialCall},
		{"w true", plainCall},
		{"w --", plainCall},
		{"w -- true", plainCall},
		{"w true --version", plainCall},
		{"w ls", plainCall},
		{"w call", plainCall},
		{"w ''", plainCall},
		{"'' true", plainCall}, // an error later, since the worker's name is empty
		{"'' ls", plainCall},
		{"./ls true", plainCall},
		{"LS true", plainCall},
		{"lsx true", plainCall},

		{"-n w true", optionCall},
		{"--timeout 5 w true", optionCall},
		{"-C ls w true", optionCall},
		{"-n call w true", optionCall},
		{"-n ls", optionCall}, // an error later, since a verb's options come after it
		{"-n", optionCall},
		{"-n -h", optionCall},
		{"-hn", optionCall},
		{"--help=false w true", optionCall},
		{"-", optionCall},
		{"- true", optionCall},
		{"--", optionCall},
		{"-- ls", optionCall},
		{"-- w true", optionCall},
		{"-w true", optionCall},

		{"--shim=w /x/true", shimCall},
		{"--shim=w /x/true --version", shimCall},
		{"--shim=ls true", shimCall},
		{"--shim=", shimCall},
		{"--shim w true", optionCall}, // an error later, since there is no such option
		{"-n --shim=w true", optionCall},
		{"w --shim=w", plainCall},

		{"-h", rootOption},
		{"--help", rootOption},
		{"--help ls", rootOption},
		{"--version", rootOption},
		{"--version w true", rootOption},

		{"call", verbCall},
		{"call w true", verbCall},
		{"call -n w true", verbCall},
		{"call ls true", verbCall},

		{"ls", verb},
		{"ls w", verb},
		{"help", verb},
		{"help call", verb},
		{"version", verb},
		{"kill w 1", verb},
		{"map w true", mapVerb},
		{"top echo", verb},

		{"_", underscore},
		{"_w true", underscore},
		{"__complete ls", underscore},
	} {
		var words []string
		for _, w := range strings.Fields(r.line) {
			words = append(words, strings.Trim(w, "'"))
		}
		for _, name := range []string{"rpc", "/usr/bin/rpc", "sort", "/usr/local/bin/sort", "rpc-rsh2", "ls", "", "-rpc"} {
			got, rest := dispatch(append([]string{name}, words...))
			if got != r.want || !slices.Equal(rest, words) {
				t.Errorf("%q %s: form %d with %q, want %d", name, r.line, got, rest, r.want)
			}
		}
	}
	for line, want := range map[string]string{"rpc-rsh": "", "/x/rpc-rsh w ls": "w ls", "rpc-rsh -n ls x": "-n ls x", "rpc-rsh call": "call", "rpc rsh": "", "rpc rsh -n w ls": "-n w ls"} {
		if got, rest := dispatch(strings.Fields(line)); got != remoteShell || strings.Join(rest, " ") != want {
			t.Errorf("%s: form %d with %q, want a remote shell with %q", line, got, rest, want)
		}
	}
	if got, rest := dispatch(nil); got != partialCall || rest != nil {
		t.Errorf("without an argv: form %d with %q", got, rest)
	}
}

func TestOwnFailure(t *testing.T) {
	for line, want := range map[string]int{"": 125, "w true": 125, "-n w true": 125, "call w true": 125, "--help": 125, "_w true": 125, "--shim=w": 125, "rsh w ls": 255, "ls": 1, "ping w": 1, "help": 1} {
		f, _ := dispatch(append([]string{"rpc"}, strings.Fields(line)...))
		if got := f.ownFailure(); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}
