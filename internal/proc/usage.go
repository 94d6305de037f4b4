package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process holds.
type Usage struct {
	Descriptors       int // -1: only root may count those of this process
	Threads           int
	Children, Zombies int // Children counts the zombies, too
	RSS, Peak         int // resident memory in KiB, now and at most
}

// Look reads a process's usage from /proc (proc(5)). Descriptors of another
// user's process, or of one that isn't dumpable, are no error.
func Look(pid int) (u Usage, err error) {
	folder := "/proc/" + strconv.Itoa(pid)
	descriptors, err := os.ReadDir(folder + "/fd")
	switch {
	case errors.Is(err, fs.ErrPermission):
		u.Descriptors = -1
	case err != nil:
		return u, err
	default:
		u.Descriptors = len(descriptors)
	}
	for _, child := range Children(pid) {
		u.Children++
		if State(child) == 'Z' {
			u.Zombies++
		}
	}
	status, err := os.ReadFile(folder + "/status")
	if err != nil {
		return u, err
	}
	u.Threads, u.RSS, u.Peak = number(string(status), "Threads"), number(string(status), "VmRSS"), number(string(status), "VmHWM")
	if u.Threads == 0 {
		return u, fmt.Errorf("read %q: it counts no threads", folder+"/status")
	}
	return u, nil
}

// Memory gives the KiB of a line "Name:   123 kB" of a file in /proc, or 0.
func Memory(path, name string) int {
	text, _ := os.ReadFile(path)
	return number(string(text), name)
}

// number finds the number of a line "Name:   123" or "Name:   123 kB", or 0.
func number(text, name string) int {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == name+":" {
			n, _ := strconv.Atoi(words[1])
			return n
		}
	}
	return 0
}

// MB converts KiB to MB (10^6 bytes).
func MB(kib int) float64 { return float64(kib) * 1024 / 1e6 }

// Settle looks at a process again and again until ok, or until limit is over,
// and gives what it held at last.
func Settle(pid int, limit time.Duration, ok func(Usage) bool) (u Usage, err error) {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		u, err = Look(pid)
		if err != nil || ok(u) || time.Now().After(end) {
			return u, err
		}
	}
}
