package cgroup

import (
	"slices"
	"testing"
)

// Where the kernel tells its kills, by examples of hosts.
func TestMemoryFiles(t *testing.T) {
	const v2 = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	for _, c := range []struct {
		name, list, mounts string
		want               []string
	}{
		{"v2", "0::/system.slice/rpcd.service\n", v2, []string{"/sys/fs/cgroup/system.slice/rpcd.service/memory.events"}},
		{"v2 in a container", "0::/\n", v2, []string{"/sys/fs/cgroup/memory.events"}},
		{"v1 in a container", "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n", "41 31 0:37 /docker/a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n42 31 0:38 /docker/a /sys/fs/cgroup/memory ro master:7 - cgroup cgroup rw,memory\n", []string{"/sys/fs/cgroup/memory/memory.oom_control"}},
		{"hybrid", "4:hugetlb,memory:/x\n0::/\n", "42 31 0:38 / /m rw - cgroup cgroup rw,hugetlb,memory\n43 31 0:39 / /u rw - cgroup2 cgroup2 rw\n", []string{"/u/memory.events", "/m/x/memory.oom_control"}},
		{"v1 without memory", "5:cpu:/x\n", "41 31 0:37 / /c rw - cgroup cgroup rw,cpu\n", nil},
		{"nothing readable", "", "", nil},
	} {
		if got := memoryFiles(parseMemberships([]byte(c.list)), []byte(c.mounts)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What the two versions' files say.
func TestParseKills(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 1\n", 2, true},
		{"oom_kill_disable 0\nunder_oom 0\noom_kill 5\n", 5, true},
		{"oom_kill_disable 0\nunder_oom 0\n", 0, false}, // before Linux 4.13
		{"oom_kill x\n", 0, false},
		{"", 0, false},
	} {
		if n, ok := parseKills(c.text); n != c.want || ok != c.ok {
			t.Errorf("%q: %d, %v; want %d, %v", c.text, n, ok, c.want, c.ok)
		}
	}
	if _, ok := (*Memory)(nil).Kills(); ok {
		t.Error("no cgroup counts kills")
	}
}
