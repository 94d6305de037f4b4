package main

import (
	"os"

	"rpcd/internal/names"
	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// groupsMost is how many control groups an idle rpcd may have: one of its own,
// in which it keeps some empty ones for calls to come.
const groupsMost = 1 + names.MaxFreeCgroups

// groupOf gives the control group that a daemon has made for its calls, which
// it holds open, or "" where it may make none.
func groupOf(daemon *rig.Process) string { return proc.HeldFolder(daemon.PID(), names.CgroupPrefix) }

// groupGone says whether a control group is removed.
func groupGone(path string) bool {
	_, err := os.Stat(path)
	return path == "" || err != nil
}
