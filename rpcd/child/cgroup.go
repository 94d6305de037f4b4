package child

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// cgroup is the path of a directory of a cgroup v2 hierarchy (cgroups(7)).
type cgroup string

// still is what cgroup.events says of one that can be used again.
const still = "populated 0\nfrozen 0\n"

// events reads cgroup.events.
func (g cgroup) events() (string, error) {
	fd, err := unix.Open(string(g)+"/cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var b [128]byte
	n, err := unix.Pread(fd, b[:], 0)
	return string(b[:max(n, 0)]), err
}

// populated says whether something lives in it or below; also where that
// can't be known.
func (g cgroup) populated() bool {
	events, err := g.events()
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return false // it was removed
	}
	return err != nil || !strings.HasPrefix(events, "populated 0\n")
}

// walk calls f for it and for all below.
func (g cgroup) walk(f func(cgroup)) {
	entries, _ := os.ReadDir(string(g))
	for _, e := range entries {
		if e.IsDir() {
			cgroup(filepath.Join(string(g), e.Name())).walk(f)
		}
	}
	f(g)
}

// signal sends sig to all who live in it, and below, but not in the process
// group: those have had it. Between the list and kill(2) all numbers would
// have to come round for it to reach a stranger.
func (g cgroup) signal(sig syscall.Signal, group int) {
	g.walk(func(g cgroup) {
		list, _ := os.ReadFile(string(g) + "/cgroup.procs")
		for _, word := range strings.Fields(string(list)) {
			pid, err := strconv.Atoi(word)
			if err != nil || pid <= 0 { // 0: of a pid namespace that isn't ours
				continue
			}
			if of, err := unix.Getpgid(pid); err == nil && of != group {
				_ = unix.Kill(pid, sig)
			}
		}
	})
}

// kill kills all in it and below: at once, or, before Linux 5.14, those who are
// listed, so that it is to be called again.
func (g cgroup) kill() {
	fd, err := unix.Open(string(g)+"/cgroup.kill", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte("1"))
		unix.Close(fd)
	}
	if err != nil {
		g.signal(unix.SIGKILL, 0)
	}
}

// remove removes it and all below, where nothing lives.
func (g cgroup) remove() (err error) {
	g.walk(func(g cgroup) { err = unix.Rmdir(string(g)) })
	return err
}

// childless says whether there is none below.
func (g cgroup) childless() bool {
	var st unix.Stat_t
	return unix.Stat(string(g), &st) == nil && st.Nlink == 2
}
