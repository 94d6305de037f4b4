package main

import (
	"slices"
	"strings"

	"rpcd/internal/version"
)

// form is the shape of a command line. It says who reads the words.
type form uint8

const (
	plainCall   form = iota // WORKER PROCEDURE [ARG...]: needs no parser
	partialCall             // nothing, or WORKER alone: a usage error of a call
	optionCall              // [OPTION...] WORKER PROCEDURE [ARG...]: no verb can follow
	verbCall                // call [OPTION...] WORKER PROCEDURE [ARG...]
	rootOption              // -h, --help or --version
	verb                    // any other verb, or a word that is kept for one
	underscore              // cobra's completion (__complete), or a WORKER whose name begins like it
)

// dispatch decides how a command line is read, and gives the words after
// argv[0]. It is the only place that decides so, and depends on nothing but
// argv.
//
// The name in argv[0] doesn't count yet: a renamed rpc is rpc. Shims and
// rpc-rsh will be two more forms, decided here by the base name of argv[0]
// before the first word is looked at.
func dispatch(argv []string) (form, []string) {
	if len(argv) < 2 {
		return partialCall, nil
	}
	words := argv[1:]
	switch first := words[0]; {
	case first == "-h", first == "--help", first == "--version":
		return rootOption, words
	case strings.HasPrefix(first, "-"):
		return optionCall, words
	case strings.HasPrefix(first, "_"):
		return underscore, words
	case first == "call":
		return verbCall, words
	case slices.Contains(version.Verbs, first):
		return verb, words
	case len(words) == 1:
		return partialCall, words
	}
	return plainCall, words
}

// ownFailure is the exit status where rpc itself fails before it has read the
// words: 125 of a call, 1 of another verb.
func (f form) ownFailure() int {
	if f == verb {
		return statusFailed
	}
	return statusOwnFailure
}
