package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ownCgroups gives the directories under which this process's own cgroup of the
// v2 hierarchy is seen: one a mount. On a hybrid host that is beside v1's.
func ownCgroups() ([]cgroup, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
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
	return seen(mounts, path), nil
}

// unified reads the path of the v2 hierarchy from /proc/PID/cgroup (cgroups(7)).
func unified(list []byte) (string, error) {
	for line := range bytes.Lines(list) {
		path, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("0::/"))
		if !ok {
			continue
		}
		if p := "/" + string(path); p != "/.." && !strings.HasPrefix(p, "/../") {
			return p, nil
		}
		return "", errors.New("rpcd's cgroup is outside of its cgroup namespace")
	}
	return "", errors.New("the kernel has no cgroup v2")
}

// seen finds a cgroup's directories by /proc/PID/mountinfo (proc_pid_mountinfo(5)).
func seen(mounts []byte, path string) (dirs []cgroup) {
	for line := range strings.Lines(string(mounts)) {
		where, what, ok := strings.Cut(line, " - ")
		fields := strings.Fields(where)
		if !ok || len(fields) < 5 || !strings.HasPrefix(what, "cgroup2 ") {
			continue
		}
		root, point := unescape.Replace(fields[3]), unescape.Replace(fields[4])
		rest, inside := strings.CutPrefix(path, strings.TrimSuffix(root, "/"))
		if inside && (rest == "" || rest[0] == '/') {
			dirs = append(dirs, cgroup(filepath.Join(point, rest)))
		}
	}
	return dirs
}

// unescape undoes what the kernel writes for bytes that part fields.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
