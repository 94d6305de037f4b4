package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"rpcd/internal/flagerror"
	"rpcd/internal/version"
)

const noTerminal = "this release has no terminal for the procedure yet"

// hints answer options that docker exec and ssh have.
var hints = map[string]string{
	"u":   "calls run as the worker's user",
	"w":   "the directory is -C DIR",
	"d":   "a call is never detached: use the shell's &",
	"t":   noTerminal,
	"tty": noTerminal,
}

// optionError is an error in the options of a call.
func optionError(err error) error {
	if err, ok := flagerror.Value(err); ok {
		return &exitError{statusOwnFailure, err}
	}
	hint := "see rpc --help; options of the procedure stand behind its name"
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && hints[unknown.GetSpecifiedName()] != "" {
		hint = hints[unknown.GetSpecifiedName()]
	}
	return &exitError{statusOwnFailure, fmt.Errorf("%w (%s)", err, hint)}
}

// verbOptionError is an error in the options of another verb.
func verbOptionError(verb string, err error) error {
	if err, ok := flagerror.Value(err); ok {
		return usage("%w", err)
	}
	return usage("%w (see rpc %s --help)", err, verb)
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
