package main

import (
	"rpcd/rpcd"
	"rpcd/rpcd/child"
	"rpcd/rpcd/fdconn"
)

// supervise prepares the process for starting calls as c says. release is to be
// called when no call runs any more. cgroup is the directory of the calls'
// cgroups, or "none".
func supervise(c rpcd.Config) (release func(), cgroup string, err error) {
	if err := child.Setup(); err != nil {
		return nil, "", err
	}
	fdconn.Discard, fdconn.Guard = child.Discard, child.Guard
	if c.RunAs {
		if err := child.RunAs(); err != nil {
			return nil, "", err
		}
	}
	cgroup = "none"
	if !c.Keep {
		if where, err := child.Contain(); err == nil {
			cgroup = where
		} else {
			c.Log.Debug("calls have no cgroups: what makes a session of its own outlives them", "why", err)
		}
	}
	child.PrestartThreads()
	return func() { child.Release(); child.Leave() }, cgroup, nil
}
