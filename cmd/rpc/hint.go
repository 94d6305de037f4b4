package main

import (
	"fmt"
	"slices"
	"strings"

	"rpcd/internal/version"
)

const noTerminal = "this release has no terminal for the procedure yet"

// hints answer options that docker exec and ssh have, by what pflag's error
// says of them.
var hints = []struct{ in, hint string }{
	{"'u' in", "calls run as the worker's user"},
	{"'w' in", "the directory is -C DIR"},
	{"'d' in", "a call is never detached: use the shell's &"},
	{"'t' in", noTerminal},
	{"--tty", noTerminal},
}

// optionError is an error in the options of a call.
func optionError(err error) error {
	hint := "see rpc --help; options of the procedure stand behind its name"
	for _, h := range hints {
		if strings.Contains(err.Error(), h.in) {
			hint = h.hint
			break
		}
	}
	return &exitError{statusOwnFailure, fmt.Errorf("%w (%s)", err, hint)}
}

// checkWorkerWord refuses a verb where the words of a call name the worker:
// after options, or because the verb isn't built yet.
func checkWorkerWord(words []string) error {
	if len(words) == 0 || !slices.Contains(version.Verbs, words[0]) {
		return nil
	}
	word := words[0]
	what := "a word that rpc keeps for a verb to come"
	root := rootCommand()
	root.InitDefaultHelpCmd()
	if verb, _, err := root.Find([]string{word}); err == nil && verb.HasParent() {
		what = "a verb, whose options stand behind it: rpc " + word + " ..."
	}
	return &exitError{statusOwnFailure, fmt.Errorf("%q is %s (a worker of that name is reached by rpc call %s ...)", word, what, word)}
}
