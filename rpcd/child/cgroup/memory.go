package cgroup

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memoryController is the controller's name in v1.
const memoryController = "memory"

// Memory is this process's cgroup with a memory controller, of either version. The
// calls are charged there, too: rpcd's own process keeps it from giving the
// controller to cgroups below (cgroups(7), "no internal processes"). A nil Memory
// knows nothing.
type Memory struct{ file *os.File }

// OwnMemory opens it, or gives nil where there is none, as in the root of a
// hierarchy. It stays open as long as the process lives.
func OwnMemory() *Memory {
	own, _ := memberships()
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for _, name := range memoryFiles(own, mounts) {
		file, err := os.Open(name)
		if err != nil {
			continue
		}
		m := &Memory{file}
		if _, ok := m.Kills(); ok {
			return m
		}
		file.Close()
	}
	return nil
}

// memoryFiles names the files that may count the kernel's kills: memory.events of
// v2, whose numbers include the cgroups below, and memory.oom_control of v1.
func memoryFiles(all []membership, mounts []byte) (files []string) {
	if path, err := unified(all); err == nil {
		for _, d := range visible(mounts, path, isV2) {
			files = append(files, d+"/memory.events")
		}
	}
	for _, m := range all {
		if hasWord(m.controllers, memoryController) {
			for _, d := range visible(mounts, m.path, isV1Memory) {
				files = append(files, d+"/memory.oom_control")
			}
		}
	}
	return files
}

// Kills counts the processes in the cgroup that the kernel has killed for want of
// memory, in the cgroup or on the whole machine. The kernel counts one before it
// kills it.
func (m *Memory) Kills() (n uint64, ok bool) {
	if m == nil {
		return 0, false
	}
	var b [256]byte
	length, err := unix.Pread(int(m.file.Fd()), b[:], 0)
	if err != nil {
		return 0, false
	}
	return parseKills(string(b[:length]))
}

// parseKills reads the line "oom_kill N", which both files have.
func parseKills(text string) (uint64, bool) {
	for line := range strings.Lines(text) {
		if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
