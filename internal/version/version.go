// Package version holds the release's number, in one place for both binaries.
package version

// Version of rpc and rpcd; CHANGELOG.md tells what is in it.
const Version = "0.1.0"

// Verbs are the words that rpc takes as verbs, now or one day: no worker may
// be served under such a name.
var Verbs = []string{
	"ls", "ping", "ps", "kill", "map", "pub", "sub", "shim", "doctor", "completion", "version", "help",
	"call", "run", "exec", "cp", "logs", "stats", "top", "wait", "stop", "start", "list", "status", "rsh", "config", "init",
}
