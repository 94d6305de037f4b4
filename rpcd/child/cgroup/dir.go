package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// dir is the path of a cgroup: a directory of a mounted cgroup v2 hierarchy.
type dir string

// reusable is what cgroup.events says of a cgroup that a new call may use.
const reusable = "populated 0\nfrozen 0\n"

// events reads cgroup.events (cgroups(7)).
func (d dir) events() (string, error) {
	fd, err := unix.Open(string(d)+"/cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var b [128]byte
	n, err := unix.Pread(fd, b[:], 0)
	return string(b[:max(n, 0)]), err
}

// populated says whether a process lives in the cgroup or below it. Where the
// kernel doesn't tell, the answer is yes.
func (d dir) populated() bool {
	events, err := d.events()
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return false // the cgroup was removed
	}
	return err != nil || !strings.HasPrefix(events, "populated 0\n")
}

// walk calls f for all cgroups below, then for this one.
func (d dir) walk(f func(dir)) {
	entries, _ := os.ReadDir(string(d))
	for _, e := range entries {
		if e.IsDir() {
			dir(filepath.Join(string(d), e.Name())).walk(f)
		}
	}
	f(d)
}

// processes gives the processes in the cgroup and below, but for those of other
// pid namespaces.
func (d dir) processes() (pids []int) {
	d.walk(func(d dir) {
		list, _ := os.ReadFile(string(d) + "/cgroup.procs")
		for _, word := range strings.Fields(string(list)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	})
	return pids
}

// kill kills all processes in the cgroup and below. Before Linux 5.14 there is
// no cgroup.kill. Then one call may miss a process that was just forked, and
// the caller repeats it.
func (d dir) kill() {
	fd, err := unix.Open(string(d)+"/cgroup.kill", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte("1"))
		unix.Close(fd)
	}
	if err != nil {
		for _, pid := range d.processes() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// remove removes the cgroup and all below. The kernel keeps those in which a
// process lives (EBUSY).
func (d dir) remove() (err error) {
	d.walk(func(d dir) { err = unix.Rmdir(string(d)) })
	return err
}

// childless says whether there is no cgroup below.
func (d dir) childless() bool {
	var st unix.Stat_t
	return unix.Stat(string(d), &st) == nil && st.Nlink == 2
}
