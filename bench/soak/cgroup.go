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

// ended looks for the control group of a daemon that has ended. A process that a
// stranger's file system holds in the kernel keeps it, and no daemon waits for that:
// one that starts later removes it.
func (st *stage) ended(r *report, group, how string, excused bool) {
	switch {
	case groupGone(group):
	case excused:
		st.groups = append(st.groups, group)
	default:
		r.find(leftOver, "a control group after "+how+": "+group)
	}
}

// sweep starts and stops a daemon, which removes the groups that strangers kept.
func (st *stage) sweep() error {
	if len(st.groups) == 0 {
		return nil
	}
	if err := st.serve(fickle); err != nil {
		return err
	}
	st.groups = append(st.groups, groupOf(st.daemons[fickle]))
	st.daemons[fickle].Stop()
	return nil
}
