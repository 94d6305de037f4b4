package main

import (
	"os"

	"rpcd/internal/names"
	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// groupsMost is how many control groups an idle rpcd may have: one of its own, and
// in it some empty ones for later calls.
const groupsMost = 1 + names.MaxFreeCgroups

// groupOf gives the control group that a daemon has made for its calls, or "" if
// the daemon can't make any. The daemon holds that folder open.
func groupOf(daemon *rig.Process) string { return proc.HeldFolder(daemon.PID(), names.CgroupPrefix) }

// groupGone reports whether a control group no longer exists.
func groupGone(path string) bool {
	_, err := os.Stat(path)
	return path == "" || err != nil
}
