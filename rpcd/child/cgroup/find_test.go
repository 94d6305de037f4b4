package cgroup

import (
	"slices"
	"testing"
)

// Where a process sees its own cgroup, by examples of hosts.
func TestVisible(t *testing.T) {
	for _, c := range []struct {
		name, list, mounts string
		want               []string // nil: an error
	}{
		{"v2", "0::/user.slice/a b\n", "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n", []string{"/sys/fs/cgroup/user.slice/a b"}},
		{"hybrid", "2:cpu:/x\n1:name=systemd:/y\n0::/y\n", "41 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n42 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", []string{"/sys/fs/cgroup/unified/y"}},
		{"a container's namespace", "0::/\n", "600 590 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", []string{"/sys/fs/cgroup"}},
		{"a container in the host's namespace", "0::/docker/abc\n", "600 590 0:30 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n", []string{"/sys/fs/cgroup"}},
		{"a mount of something else", "0::/docker/abc\n", "600 590 0:30 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n", []string{}},
		{"two mounts, one with a space", "0::/a\n", "6 5 0:30 / /a\\040b rw - cgroup2 cgroup rw\n7 5 0:30 /a /c rw - cgroup2 cgroup rw\n", []string{"/a b/a", "/c"}},
		{"outside of the namespace", "0::/../other\n", "6 5 0:30 / /c rw - cgroup2 cgroup rw\n", nil},
		{"v1 alone", "2:cpu:/x\n", "", nil},
		{"no mount", "0::/\n", "garbage\n1 2 3\n", []string{}},
	} {
		path, err := unified(parseMemberships([]byte(c.list)))
		if err != nil {
			if c.want != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if got := visible([]byte(c.mounts), path, isV2); c.want == nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The files that may hold a pids limit, by examples of hosts.
func TestPidsFiles(t *testing.T) {
	for _, c := range []struct {
		name, list string
		want       []string // among others
	}{
		{"v2", "0::/user.slice/a b\n", []string{"/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/user.slice/a b/pids.max"}},
		{"v1", "11:pids:/docker/abc\n1:name=systemd:/y\n", []string{"/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids/docker/abc/pids.max"}},
		{"nothing readable", "garbage\n", []string{"/sys/fs/cgroup/pids.max"}},
	} {
		files := pidsFiles(parseMemberships([]byte(c.list)))
		for _, want := range c.want {
			if !slices.Contains(files, want) {
				t.Errorf("%s: %q lacks %q", c.name, files, want)
			}
		}
	}
}
