package main

import (
	"os"
	"path/filepath"

	"rpcd/internal/rig"
)

// noopSource is a program that does nothing. It is the container's only file, and
// its start shows the least that a Go program costs. With an argument it waits
// to be killed, which keeps the container running.
const noopSource = `package main

import (
	"os"
	"syscall"
)

func main() {
	for len(os.Args) > 1 {
		syscall.Pause()
	}
}
`

// buildNoop builds noopSource once with the go command, and returns the binary's
// path.
func buildNoop(st *stage) (string, error) {
	source, binary := filepath.Join(st.folder, "noop.go"), filepath.Join(st.folder, "noop")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	goCommand, err := rig.LookFor("go", "golang")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(source, []byte(noopSource), 0o600); err != nil {
		return "", err
	}
	_, err = output(st, nil, goCommand, "build", "-ldflags", "-s -w", "-o", binary, source)
	return binary, err
}

// partWays are the parts of a call: the start of any Go program, the start of
// rpc, and a question that starts no process.
func partWays(st *stage, socket string) []*way {
	fixed := func(name string, argv ...string) *way {
		return &way{name: name, argv: func(string, ...string) []string { return argv }}
	}
	ways := []*way{fixed(versionName, st.options.RPC, "version"), fixed(pingName, st.options.RPC, "ping", socket)}
	if noop, err := buildNoop(st); err != nil {
		ways = append(ways, missing(noopName, err.Error()))
	} else {
		ways = append(ways, fixed(noopName, noop))
	}
	return ways
}
