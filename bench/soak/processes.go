package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rpcd/bench/rig"
)

// find gives the processes that have the variable (NAME=VALUE) in their
// environment. A zombie has none.
func find(variable string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), variable) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func kill(pids []int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// gone waits until no process has the variable, and returns what is left after
// limit, in words.
func gone(variable string, limit time.Duration) (left []string) {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		pids := find(variable)
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

// holding is what a daemon has.
type holding struct {
	rig.Footprint
	children int // zombies too
	zombies  int

	goroutines int // of the steady one, once
}

func look(pid int) (h holding, err error) {
	if h.Footprint, err = rig.ReadFootprint(pid); err != nil {
		return h, err
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			h.children++
			stat, _ := os.ReadFile("/proc/" + child + "/stat")
			if _, rest, _ := bytes.Cut(stat, []byte(") ")); bytes.HasPrefix(rest, []byte("Z")) {
				h.zombies++
			}
		}
	}
	return h, nil
}

// settled waits until a daemon has no child and no more descriptors than
// idle, or for settleLimit, and returns what it has then.
func settled(pid int, idle holding) (h holding, err error) {
	for end := time.Now().Add(settleLimit); ; time.Sleep(50 * time.Millisecond) {
		h, err = look(pid)
		if err != nil || h.children == 0 && h.Descriptors <= idle.Descriptors || time.Now().After(end) {
			return h, err
		}
	}
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
