package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rpcd/internal/proc"
)

func kill(pids []int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// gone waits until no process has the variable in its environment. After limit it
// returns the pids and command lines of those that are left.
func gone(variable string, limit time.Duration) (left []string) {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		pids := proc.WithVariable(variable)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(end) {
			for _, pid := range pids {
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				left = append(left, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
			}
			return left
		}
	}
}

// settled waits until a daemon has no child and no more descriptors than idle, for
// settleLimit at most. It returns the daemon's usage at that time.
func settled(pid int, idle proc.Usage) (proc.Usage, error) {
	return proc.Settle(pid, settleLimit, func(u proc.Usage) bool { return u.Children == 0 && u.Descriptors <= idle.Descriptors })
}

// files lists everything below the folders.
func files(folders ...string) (list []string) {
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			if err == nil && path != folder {
				list = append(list, filepath.Base(folder)+strings.TrimPrefix(path, folder))
			}
			return nil
		})
	}
	return list
}
