package main

import "strings"

// way is one way to run a command: a local spawn, one of our calls or a peer's.
// Every section compares ways, which take turns.
type way struct {
	name string

	// argv returns the command line that runs procedure with args. Its first word
	// is an absolute path. argv is nil if the way is absent.
	argv func(procedure string, args ...string) []string

	// divisor divides the number of this way's calls in a round. A slow way, such
	// as docker exec, would else take most of the round.
	divisor int

	// absent says why this way can't be measured here. failed says why measuring
	// it failed; the way is left out from then on.
	absent, failed string
}

// Names of the ways, in tables and goals.
const (
	localName    = "local spawn"
	shellName    = "sh -c"
	floorName    = "C client > C server: the floor"
	passedName   = "rpc, passed"
	ordinaryName = "rpc, passed, without its entry"
	relayedName  = "rpc, --pass none"
	bridgedName  = "rpc, bridged by socat"
	s6Name       = "s6-sudo"
	sshName      = "ssh, warm mux"
	socatName    = "socat EXEC"
	dockerName   = "docker exec"
	noopName     = "(a Go program that does nothing)"
	versionName  = "(rpc version: no call)"
	pingName     = "(rpc ping: no process)"
)

// procedures are the procedures that every way offers, with their local files.
var procedures = map[string]string{"true": "/bin/true", "cat": "/bin/cat"}

// usable reports whether w can still be measured.
func (w *way) usable() bool { return w.absent == "" && w.failed == "" }

// How the reason begins if a way has no figures.
const (
	absentPrefix = "not measured: "
	failedPrefix = "failed: "
)

func isFailure(trouble string) bool { return strings.HasPrefix(trouble, failedPrefix) }

// trouble gives the reason, for the report, why a way has no figures.
func (w *way) trouble() string {
	switch {
	case w.absent != "":
		return absentPrefix + w.absent
	case w.failed != "":
		return failedPrefix + w.failed
	}
	return ""
}

// missing gives a way that can't be measured, with the reason.
func missing(name, why string) *way { return &way{name: name, absent: why} }

// localWay is the yardstick: bench itself spawns the file of the procedure.
func localWay() *way {
	return &way{name: localName, argv: func(procedure string, args ...string) []string {
		return append([]string{procedures[procedure]}, args...)
	}}
}

// shellWay is `sh -c /bin/true`, which scripts often use. It takes no arguments.
func shellWay() *way {
	return &way{name: shellName, argv: func(procedure string, _ ...string) []string {
		return []string{"/bin/sh", "-c", procedures[procedure]}
	}}
}
