package main

import (
	"fmt"
	"slices"
	"strings"

	"rpcd/internal/version"
)

// instead says what to do instead of verbs that other tools have. WORKER stands for
// the word behind, if there is one.
var instead = map[string]string{
	"list":   "say rpc ls",
	"status": "say rpc ls -l, or rpc ping WORKER",
	"stats":  "say rpc ls -l",
	"top":    "say rpc ps",
	"wait":   "say rpc ping --wait 30s WORKER",
	"logs":   "a worker's log is rpcd's stderr: docker logs, journalctl",
	"stop":   "rpc kill WORKER ID ends a call, docker stop a worker",
	"start":  "a worker is started by rpcd serve; a call is rpc WORKER PROCEDURE",
	"cp":     "calls see the same files; or: rpc WORKER cat FILE >COPY",
	"config": "see rpc help for options and variables, rpcd serve --help for the worker's",
	"init":   "a worker is started by rpcd serve",
}

// sayInstead says what to do instead of a verb that there isn't, given the words
// behind it.
func sayInstead(word string, rest []string) string {
	if word == "exec" || word == "run" {
		if len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
			rest = []string{"WORKER", "PROCEDURE"}
		}
		return "say rpc " + shown(rest)
	}
	what := instead[word]
	if len(rest) > 0 && plainWord(rest[0]) {
		what = strings.Replace(what, "WORKER", rest[0], 1)
	}
	return what
}

// maxShown is how many words of a command line an error repeats.
const maxShown = 3

// shown repeats words in an error, as they would be typed: the first few, as long as
// they need no quotes.
func shown(words []string) string {
	for i, w := range words {
		if i == maxShown || !plainWord(w) {
			return strings.Join(append(slices.Clip(words[:i]), "..."), " ")
		}
	}
	return strings.Join(words, " ")
}

// plainWord says whether a word is short, and a shell takes it as it is.
func plainWord(s string) bool {
	return s != "" && len(s) <= 30 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-+,:@%=") == ""
}

// checkWorkerWord refuses a verb where the words of a call name the worker:
// after options, or because there is no such verb (yet).
func checkWorkerWord(words []string) error {
	if len(words) == 0 || !slices.Contains(version.Verbs, words[0]) {
		return nil
	}
	word, what := words[0], ""
	switch {
	case slices.Contains(verbs(), word):
		what = fmt.Sprintf("%q is a verb, whose options stand behind it: rpc %s ...", word, word)
	case sayInstead(word, words[1:]) != "":
		what = fmt.Sprintf("%q is no verb of rpc: %s", word, sayInstead(word, words[1:]))
	default:
		what = fmt.Sprintf("%q is a word that rpc keeps for a verb to come", word)
	}
	return &exitError{statusOwnFailure, fmt.Errorf("%s (a worker of that name is reached by rpc call %s ...)", what, word)}
}
