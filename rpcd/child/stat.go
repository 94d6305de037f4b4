package child

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// lives says whether a process has more than its status left. It reads
// /proc/PID/status, since /proc/PID/stat waits for an execve(2) of the process, and
// that may wait for a file system that doesn't answer.
func lives(pid int) bool {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	return err == nil && parseLiving(status)
}

// parseLiving reads /proc/PID/status (proc(5)): does the process live? A process whose
// first thread has ended before the others is shown as a zombie with several threads.
// The kernel escapes line breaks in the name, which is the first line.
func parseLiving(status []byte) bool {
	var state byte
	threads := 0
	for line := range bytes.Lines(status) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case string(key) == "State" && len(value) > 0:
			state = value[0]
		case string(key) == "Threads":
			threads, _ = strconv.Atoi(string(value))
		}
	}
	return state != 0 && threads > 0 && (!strings.ContainsRune("ZX", rune(state)) || threads > 1)
}

// forkedOnly is the flag of a process that has had no execve(2) yet: PF_FORKNOEXEC,
// linux/sched.h.
const forkedOnly = 0x40

// statLimit bounds a read of /proc/PID/stat. Most take microseconds.
const statLimit = 200 * time.Millisecond

// hasExecuted says whether a process, or one that is dead and not reaped, has had an
// execve(2) that succeeded. It says so, too, where it can't be known.
func hasExecuted(pid int) bool {
	answer := make(chan bool, 1)
	go func() {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		answer <- err != nil || parseExecuted(stat)
	}()
	select {
	case yes := <-answer:
		return yes
	case <-time.After(statLimit):
		return true
	}
}

func parseExecuted(stat []byte) bool {
	const flags = 6 // of the words behind the name
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
