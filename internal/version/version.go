// Package version holds the release's number, in one place for both binaries.
package version

import (
	"runtime/debug"
	"sync"
)

// release is the number of this release; CHANGELOG.md tells what is in it.
const release = "0.1.0"

// stamp is the version of a build for others, which packaging/release.sh makes of the
// tag. The linker sets it.
var stamp string

// commitDigits is how many digits of a commit are shown: enough to be its name, as
// git's core.abbrev says for large repositories.
const commitDigits = 12

// String gives the version of rpc and rpcd: 0.1.0+0123456789ab, with ".dirty" when
// files had changed since that commit. Where the build didn't know its commit it is
// the release's number alone. Of a release it is what the tag says.
var String = sync.OnceValue(func() string {
	if stamp != "" {
		return stamp
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	return text(info.Settings)
})

// text gives the version with the commit of a build's settings.
func text(settings []debug.BuildSetting) string {
	commit, dirty := "", ""
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			commit = "+" + s.Value[:min(len(s.Value), commitDigits)]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = ".dirty"
			}
		}
	}
	if commit == "" {
		return release
	}
	return release + commit + dirty
}

// Verbs are the words that rpc takes as verbs, now or one day: no worker may
// be served under such a name.
var Verbs = []string{
	"ls", "ping", "ps", "kill", "map", "pub", "sub", "shim", "doctor", "completion", "version", "help",
	"call", "run", "exec", "cp", "logs", "stats", "top", "wait", "stop", "start", "list", "status", "rsh", "config", "init",
}
