package main

import (
	"path"
	"slices"
	"strings"

	"rpcd/cmd/rpc/shim"
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
	shimCall                // --shim=WORKER FILE [ARG...]: the kernel made it of a shim's first line
	remoteShell             // rpc-rsh, or rsh: ssh's words
	mapVerb                 // map, whose own failures are a call's
	verb                    // any other verb, or a word that is kept for one
	underscore              // cobra's completion (__complete), or a WORKER whose name begins like it
)

// dispatch decides how a command line is read, and gives the words after
// argv[0]. It is the only place that decides so, and depends on nothing but
// argv.
//
// The name in argv[0] counts where it is rpc-rsh: else a renamed rpc is rpc.
func dispatch(argv []string) (form, []string) {
	if len(argv) > 0 && path.Base(argv[0]) == rshName {
		return remoteShell, argv[1:]
	}
	if len(argv) < 2 {
		return partialCall, nil
	}
	words := argv[1:]
	switch first := words[0]; {
	case strings.HasPrefix(first, shim.Option):
		return shimCall, words
	case first == rshVerb:
		return remoteShell, words[1:]
	case first == "-h", first == "--help", first == "--version":
		return rootOption, words
	case strings.HasPrefix(first, "-"):
		return optionCall, words
	case strings.HasPrefix(first, "_"):
		return underscore, words
	case first == "call":
		return verbCall, words
	case first == "map":
		return mapVerb, words
	case slices.Contains(version.Verbs, first):
		return verb, words
	case len(words) == 1:
		return partialCall, words
	}
	return plainCall, words
}

// ownFailure is the exit status where rpc itself fails before it has read the
// words: 125 of a call, 255 of a remote shell, 1 of another verb.
func (f form) ownFailure() int {
	switch f {
	case verb:
		return statusFailed
	case remoteShell:
		return statusRemoteShell
	}
	return statusOwnFailure
}
