package main

import (
	"os"
	"strconv"

	"rpcd/rpcd/export"
)

// self gives what the checks of an exports directory need to know of rpcd, and
// whether its operator trusts read-only mounts.
func self(trustMount bool) export.Owner {
	return export.Owner{
		UID: uint32(os.Geteuid()),
		GID: uint32(os.Getegid()),
		// systemd names the pid of a unit's process since version 248
		// (systemd.exec(5)). What that process starts has another pid.
		OwnMounts:  os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()),
		PATH:       os.Getenv("PATH"),
		TrustMount: trustMount,
	}
}
