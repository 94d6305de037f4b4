package testbin

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Eventually waits until ok, for at most 20 s: a bound on hangs, not a
// promise.
func Eventually(t testing.TB, what string, ok func() bool) bool {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	t.Errorf("waited in vain: %s", what)
	return false
}

// Usage is what a process holds.
type Usage struct {
	Descriptors       int // -1: another's, or of a daemon that isn't dumpable, which only root sees
	Threads, Children int
	RSS               int // KiB
}

// Look reads a process's usage from /proc (proc(5)).
func Look(pid int) (u Usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	fds, err := os.ReadDir(dir + "/fd")
	switch {
	case errors.Is(err, fs.ErrPermission):
		u.Descriptors = -1
	case err != nil:
		return u, err
	default:
		u.Descriptors = len(fds)
	}
	lists, _ := filepath.Glob(dir + "/task/*/children")
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		u.Children += len(bytes.Fields(b))
	}
	status, err := os.ReadFile(dir + "/status")
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Threads":
			_, err = fmt.Sscan(value, &u.Threads)
		case "VmRSS":
			_, err = fmt.Sscan(value, &u.RSS)
		}
		if err != nil {
			return u, err
		}
	}
	return u, err
}
