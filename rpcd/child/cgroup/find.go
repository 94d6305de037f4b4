package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Own gives the directories under which this process sees its own cgroup of the
// v2 hierarchy, one for each mount of it. On a host with both versions they lie
// beside the directories of v1. There may be none.
func Own() ([]string, error) {
	own, err := memberships()
	if err != nil {
		return nil, fmt.Errorf("find rpcd's cgroup: %w", err)
	}
	path, err := unified(own)
	if err != nil {
		return nil, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("find the cgroups: %w", err)
	}
	return visible(mounts, path, isV2), nil
}

// membership is one line of /proc/PID/cgroup: the cgroup of a process in one
// hierarchy (cgroups(7)).
type membership struct {
	hierarchy   string // "0": version 2
	controllers string // of version 1, with commas
	path        string // from the root of the cgroup namespace
}

// memberships reads the cgroups of this process.
func memberships() ([]membership, error) {
	list, err := os.ReadFile("/proc/self/cgroup")
	return parseMemberships(list), err
}

// parseMemberships reads lines of the form HIERARCHY:CONTROLLERS:PATH.
func parseMemberships(list []byte) (all []membership) {
	for line := range bytes.Lines(list) {
		fields := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(fields) == 3 && strings.HasPrefix(fields[2], "/") {
			all = append(all, membership{fields[0], fields[1], fields[2]})
		}
	}
	return all
}

// unified gives the path in the v2 hierarchy.
func unified(all []membership) (string, error) {
	for _, m := range all {
		if m.hierarchy != "0" {
			continue
		}
		if m.path == "/.." || strings.HasPrefix(m.path, "/../") {
			return "", errors.New("rpcd's cgroup is outside of its cgroup namespace")
		}
		return m.path, nil
	}
	return "", errors.New("the kernel has no cgroup v2")
}

// isV2 says whether a mount is of cgroup v2. what are the last fields of its line
// in mountinfo: the type, the source and the options of the file system.
func isV2(what string) bool { return strings.HasPrefix(what, "cgroup2 ") }

// isV1Memory says whether a mount is of v1's hierarchy with the memory controller.
func isV1Memory(what string) bool {
	fields := strings.Fields(what)
	return len(fields) == 3 && fields[0] == "cgroup" && hasWord(fields[2], memoryController)
}

// hasWord says whether word is in a list with commas.
func hasWord(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

// visible finds the directories of a cgroup by the lines of
// /proc/PID/mountinfo (proc_pid_mountinfo(5)), in mounts of that hierarchy.
func visible(mounts []byte, path string, hierarchy func(what string) bool) (dirs []string) {
	for line := range strings.Lines(string(mounts)) {
		where, what, ok := strings.Cut(line, " - ")
		fields := strings.Fields(where)
		if !ok || len(fields) < 5 || !hierarchy(strings.TrimSuffix(what, "\n")) {
			continue
		}
		root, point := unescape.Replace(fields[3]), unescape.Replace(fields[4])
		rest, inside := strings.CutPrefix(path, strings.TrimSuffix(root, "/"))
		if inside && (rest == "" || rest[0] == '/') {
			dirs = append(dirs, filepath.Join(point, rest))
		}
	}
	return dirs
}

// unescape undoes the kernel's escapes for bytes that separate fields.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
