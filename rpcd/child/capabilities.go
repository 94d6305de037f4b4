package child

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// needed are the capabilities without which rpcd can't start a Spec with As
// (SETUID, SETGID) or can't signal what it started (KILL); see capabilities(7).
var needed = []struct {
	name string
	bit  uint
}{{"CAP_SETUID", unix.CAP_SETUID}, {"CAP_SETGID", unix.CAP_SETGID}, {"CAP_KILL", unix.CAP_KILL}}

// RunAs prepares for Specs with As, or says which capabilities rpcd lacks for
// them. From then on rpcd's ambient capabilities, which it got for this, reach no
// child, and each child has a session keyring of its own.
func RunAs() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("run calls as their callers: ask for rpcd's capabilities: %w", err)
	}
	var missing []string
	for _, c := range needed {
		if data[0].Effective&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("cannot run calls as their callers: rpcd lacks %s (try docker run --user 0 with --cap-add SETUID, SETGID and KILL, systemd's AmbientCapabilities=, or setpriv --ambient-caps)", strings.Join(missing, " and "))
	}
	asCallers = true
	keyrings = haveKeyrings()
	return nil
}

// asCallers says that Specs may have As.
var asCallers bool

// keyrings says that asCallers is, and that there are keyrings.
var keyrings bool

// prepareThread is for startAlone. It keeps from the children of the calling thread, which is locked, what
// rpcd has for RunAs: ambient capabilities, and a session keyring that isn't theirs.
// undo is called after the fork.
func prepareThread() (undo func(), err error) {
	if !asCallers {
		return func() {}, nil
	}
	dropCapabilities()
	leave, err := joinKeyring()
	if err != nil {
		return nil, err
	}
	return func() {
		leave()
		stayUndumpable()
	}, nil
}

// dropCapabilities drops this thread's ambient and inheritable capabilities,
// which a child would keep when it becomes another user. The thread's effective
// ones stay.
func dropCapabilities() {
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		data[0].Inheritable, data[1].Inheritable = 0, 0
		_ = unix.Capset(&header, &data[0])
	}
}
