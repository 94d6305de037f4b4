package main

import "strings"

// way is one manner of having a command run: a local spawn, our call, a
// peer's. Every section measures ways against each other, in turns.
type way struct {
	name string

	// argv returns what is spawned so that procedure runs with args; its
	// first word is an absolute path. nil when the way is absent.
	argv func(procedure string, args ...string) []string

	// dear divides the number of calls of this way in a round: else a round
	// would consist of docker exec alone.
	dear int

	// absent says why this way can't be measured here. failed says what went
	// wrong while it was measured; from then on it is left out.
	absent, failed string
}

// Names of the ways, as tables and goals know them.
const (
	localName   = "local spawn"
	shellName   = "sh -c"
	passedName  = "rpc, passed"
	relayedName = "rpc, --pass none"
	bridgedName = "rpc, bridged by socat"
	s6Name      = "s6-sudo"
	sshName     = "ssh, warm mux"
	socatName   = "socat EXEC"
	dockerName  = "docker exec"
	noopName    = "(a Go program that does nothing)"
	versionName = "(rpc version: no call)"
	pingName    = "(rpc ping: no process)"
)

// The procedures that every way offers, and the local files they stand for.
var procedures = map[string]string{"true": "/bin/true", "cat": "/bin/cat"}

// usable says whether w can still be measured.
func (w *way) usable() bool { return w.absent == "" && w.failed == "" }

// How the reason begins when a way has no figures.
const (
	absentPrefix = "not measured: "
	failedPrefix = "failed: "
)

func isFailure(trouble string) bool { return strings.HasPrefix(trouble, failedPrefix) }

// trouble is the reason that a report gives for a way without figures.
func (w *way) trouble() string {
	switch {
	case w.absent != "":
		return absentPrefix + w.absent
	case w.failed != "":
		return failedPrefix + w.failed
	}
	return ""
}

// missing is a way that can't be measured, and why.
func missing(name, why string) *way { return &way{name: name, absent: why} }

// localWay is the yardstick: bench itself spawns the procedure's file.
func localWay() *way {
	return &way{name: localName, argv: func(procedure string, args ...string) []string {
		return append([]string{procedures[procedure]}, args...)
	}}
}

// shellWay is what a script pays for `sh -c /bin/true`. It takes no arguments.
func shellWay() *way {
	return &way{name: shellName, argv: func(procedure string, _ ...string) []string {
		return []string{"/bin/sh", "-c", procedures[procedure]}
	}}
}
