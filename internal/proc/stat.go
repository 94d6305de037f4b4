// Package proc tells what the kernel says of other processes and of control
// groups, for the tests and the programs of bench. It changes nothing, and it
// stands on the standard library alone, so that every test may import it.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Stat gives the fields of /proc/PID/stat from the third on: state, parent,
// group, session and so on (proc_pid_stat(5)). It is nil when there is no such
// process.
func Stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	// The second field is the program's name in brackets, which may itself hold
	// brackets and spaces.
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// State gives a process's state letter, or 0 when there is no such process.
func State(pid int) byte {
	if fields := Stat(pid); len(fields) > 0 {
		return fields[0][0]
	}
	return 0
}

// Alive says whether a process runs or could run: a zombie doesn't.
func Alive(pid int) bool {
	state := State(pid)
	return state != 0 && state != 'Z' && state != 'X'
}

// CPUTime gives the processor time that a process has used, with the kernel's
// share. The kernel counts it in hundredths of a second.
func CPUTime(pid int) time.Duration {
	fields := Stat(pid)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Children lists the children that all threads of a process have, zombies
// among them. It needs a kernel with CONFIG_PROC_CHILDREN, as Debian's is.
func Children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// WithVariable lists the processes, this one excepted, that have the variable
// (NAME=VALUE) in their environment. A zombie has no environment.
func WithVariable(variable string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile("/proc/" + entry.Name() + "/environ")
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), variable) {
			pids = append(pids, pid)
		}
	}
	return pids
}
