package cgroup

import (
	"os"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
)

// parentName matches the names of all daemons' parents.
var parentName = regexp.MustCompile(`^` + names.CgroupPrefix + `[0-9a-f]{16}$`)

// sweep ends what killed daemons have left in own. A daemon that lives holds the
// lock of its parent.
func (p *Parent) sweep(own dir) {
	entries, _ := os.ReadDir(string(own))
	for _, e := range entries {
		if !e.IsDir() || !parentName.MatchString(e.Name()) {
			continue
		}
		path := filepath.Join(string(own), e.Name())
		if unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS) != nil {
			continue // another user's: that user's daemon or root's removes it
		}
		fd, err := lockDir(path)
		if err != nil {
			continue // its daemon lives
		}
		dir(path).clear()
		_ = dir(path).remove()
		unix.Close(fd)
	}
}

// clear's bounds: a process that is stuck in the kernel doesn't die of KILL, and
// is left behind after clearWait.
const (
	clearWait  = time.Second
	clearPause = 50 * time.Millisecond // the longest between two looks
)

// clear kills what lives in the cgroup and below, and waits for the end of it.
func (d dir) clear() {
	pause := time.Millisecond
	for end := time.Now().Add(clearWait); d.populated() && time.Now().Before(end); {
		d.kill()
		time.Sleep(pause)
		pause = min(2*pause, clearPause)
	}
}
