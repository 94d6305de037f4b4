package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
)

// firstPassed is the first descriptor that a service manager passes
// (SD_LISTEN_FDS_START, sd_listen_fds(3)).
const firstPassed = 3

// passedSockets takes the listening sockets that systemd passed to this
// process; the caller closes them. Without socket activation there are none.
// The variables that name them are unset, so that no call inherits them.
//
// go-systemd's package for this isn't used: it links crypto/tls, a megabyte.
func passedSockets() ([]*fdconn.Listener, error) {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	mine := os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name)
	}
	if !mine {
		return nil, nil
	}
	var listeners []*fdconn.Listener
	for i := range n {
		l, err := fdconn.Inherit(firstPassed + i)
		_ = unix.Close(firstPassed + i) // Inherit has a duplicate
		if err != nil {
			name := ""
			if i < len(names) {
				name = names[i]
			}
			return nil, fmt.Errorf("%w (from systemd, named %q)", err, name)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}
