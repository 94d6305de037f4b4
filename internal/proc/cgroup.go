package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CanMakeCgroups says whether this process may make control groups (v2) in its
// own one. It tries.
func CanMakeCgroups() bool {
	list, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(list)) {
		own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::") // cgroups(7)
		if !ok {
			continue
		}
		for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
			folder := filepath.Join(root, own, fmt.Sprintf("rpcd-test-%d", os.Getpid()))
			if _, err := os.Stat(filepath.Join(root, own, "cgroup.procs")); err != nil || os.Mkdir(folder, 0o755) != nil {
				continue
			}
			return os.Remove(folder) == nil
		}
	}
	return false
}

// HeldFolder gives the first folder that a process holds open and whose name
// begins with prefix, or "". An rpcd holds the control group of its calls.
func HeldFolder(pid int, prefix string) string {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(filepath.Base(path), prefix) {
			return path
		}
	}
	return ""
}

// CountCgroups counts the control groups in the one at path, itself included.
// Those in which a process lives are full. Of "" both counts are 0.
func CountCgroups(path string) (all, full int) {
	if path == "" {
		return 0, 0
	}
	_ = filepath.WalkDir(path, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			all++
			if text, _ := os.ReadFile(filepath.Join(path, "cgroup.procs")); len(text) > 0 {
				full++
			}
		}
		return nil
	})
	return all, full
}
