package child

import (
	"bytes"
	"os"
	"strconv"
)

// groupLives looks through /proc for a living member of a process group.
func groupLives(group int) bool {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		if g, living := parseStat(stat); living && g == group {
			return true
		}
	}
	return false
}

// parseStat reads a line of /proc/PID/stat (proc(5)): the process group, and
// whether the process still lives. The name in parentheses may hold any byte.
func parseStat(stat []byte) (group int, living bool) {
	_, rest, ok := bytes.Cut(stat, []byte(" "))
	end := bytes.LastIndexByte(rest, ')')
	if !ok || end < 0 {
		return 0, false
	}
	words := bytes.Fields(rest[end+1:]) // state, ppid, pgrp, ...
	if len(words) < 3 {
		return 0, false
	}
	group, err := strconv.Atoi(string(words[2]))
	return group, err == nil && words[0][0] != 'Z' && words[0][0] != 'X'
}
