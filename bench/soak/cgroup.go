package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// groupName begins the name of the control group that an rpcd makes.
const groupName = "rpcd-calls-"

// groupsMost is how many an idle rpcd may have: one of its own, in which it
// keeps some empty ones for calls to come.
const groupsMost = 1 + 64

// groupOf gives the control group that a daemon has made for its calls, which
// it holds open, or "" where it may make none.
func groupOf(pid int) string {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(filepath.Base(path), groupName) {
			return path
		}
	}
	return ""
}

// groups counts the control groups in one, itself included; full are those in
// which something lives.
func groups(path string) (all, full int) {
	if path == "" {
		return 0, 0
	}
	_ = filepath.WalkDir(path, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			all++
			if text, _ := os.ReadFile(filepath.Join(path, "cgroup.procs")); len(text) > 0 {
				full++
			}
		}
		return nil
	})
	return all, full
}

// groupGone says whether a control group is removed.
func groupGone(path string) bool {
	_, err := os.Stat(path)
	return path == "" || err != nil
}
