package main

import (
	"rpcd/rpcd"
	"rpcd/rpcd/child"
)

// supervise makes the process one that can start calls as c says. It gives what
// is to be called when none runs any more, and where calls have cgroups.
func supervise(c rpcd.Config) (release func(), cgroup string, err error) {
	if err := child.Setup(); err != nil {
		return nil, "", err
	}
	if c.RunAs {
		if err := child.RunAs(); err != nil {
			return nil, "", err
		}
	}
	if c.Keep {
		return func() {}, "none", nil
	}
	cgroup, err = child.Contain()
	if err != nil {
		c.Log.Debug("calls have no cgroups: what makes a session of its own outlives them", "why", err)
		cgroup = "none"
	}
	return child.Release, cgroup, nil
}
