package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PidMaxLimit is the kernel's limit of process numbers (PID_MAX_LIMIT, proc(5)).
// A limit that isn't below it limits nothing.
const PidMaxLimit = 1 << 22

// PidsMax gives how many processes and threads this process's cgroups may hold:
// the smallest pids.max that it can read, of either version. 0: no limit is known.
func PidsMax() int {
	all, _ := memberships()
	least := 0
	for _, file := range pidsFiles(all) {
		text, _ := os.ReadFile(file)
		n, _ := strconv.Atoi(strings.TrimSpace(string(text))) // "max" is no number
		if n > 0 && n < PidMaxLimit && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// pidsFiles names the pids.max of each cgroup, where v2 and v1 are usually
// mounted. A container without a cgroup namespace of its own sees its own limit
// at the root of the mount, whatever path the kernel tells.
func pidsFiles(all []membership) (files []string) {
	const v2, v1 = "/sys/fs/cgroup", "/sys/fs/cgroup/pids"
	for _, m := range append([]membership{{path: "/"}}, all...) {
		files = append(files, filepath.Join(v2, m.path, "pids.max"), filepath.Join(v1, m.path, "pids.max"))
	}
	return files
}
