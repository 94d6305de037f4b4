package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Footprint is what the kernel says of a process.
type Footprint struct {
	RSS, Peak            float64 // MB (10^6 bytes)
	Descriptors, Threads int
}

// ReadFootprint reads it from /proc (proc(5)).
func ReadFootprint(pid int) (f Footprint, err error) {
	status := fmt.Sprintf("/proc/%d/status", pid)
	f.RSS = float64(MemoryField(status, "VmRSS")) / 1e6
	f.Peak = float64(MemoryField(status, "VmHWM")) / 1e6
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return f, err
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	f.Descriptors, f.Threads = len(fds), len(threads)
	return f, err
}

// MemoryField returns the bytes of a "Name:   123 kB" line of a file in /proc,
// or 0.
func MemoryField(path, name string) int64 {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return 0
	}
	return parseField(string(text), name)
}

// parseField is MemoryField's parser.
func parseField(text, name string) int64 {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == name+":" && words[2] == "kB" {
			n, err := strconv.ParseInt(words[1], 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return 0
}
