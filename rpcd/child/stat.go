package child

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// lives says whether a process has more than its status left.
func lives(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && parseLiving(stat)
}

// parseLiving reads a line of /proc/PID/stat (proc(5)): does the process live? A
// process whose first thread has ended before the others is shown as a zombie
// with several threads. The name in parentheses may hold any byte.
func parseLiving(stat []byte) bool {
	const state, threads = 0, 17 // of the words behind the name
	_, rest, ok := bytes.Cut(stat, []byte(" "))
	end := bytes.LastIndexByte(rest, ')')
	if !ok || end < 0 {
		return false
	}
	words := bytes.Fields(rest[end+1:])
	if len(words) <= threads {
		return false
	}
	n, err := strconv.Atoi(string(words[threads]))
	return err == nil && (!strings.ContainsAny(string(words[state]), "ZX") || n > 1)
}

// forkedOnly is the flag of a process that has had no execve(2) yet: PF_FORKNOEXEC,
// linux/sched.h.
const forkedOnly = 0x40

// hasExecuted says whether a process, or one that is dead and not reaped, has had an
// execve(2) that succeeded.
func hasExecuted(pid int) bool {
	const flags = 6 // of the words behind the name
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true // unknown: it may have
	}
	words := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(words) <= flags {
		return true
	}
	n, err := strconv.ParseUint(string(words[flags]), 10, 64)
	return err != nil || n&forkedOnly == 0
}

// comm gives a process's name, as ps(1) shows it; empty: it has none any more.
func comm(pid int) string {
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return strings.TrimSuffix(string(name), "\n")
}
