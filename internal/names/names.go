// Package names holds the names and numbers that rpc, rpcd and the programs of
// bench have to agree on outside of the protocol. None of them may import another.
package names

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// DefaultDir is the folder in which workers have their sockets, unless RPC_DIR
// names another one.
const DefaultDir = "/run/rpc"

// MaxWorker is the longest worker's name, in bytes: with .sock behind it, it stays
// well below the longest name of a file (NAME_MAX, 255).
const MaxWorker = 200

// Overflow is the uid and gid that the kernel shows for one that the observer's
// user namespace doesn't map (/proc/sys/kernel/overflowuid, user_namespaces(7)). It
// stands for every stranger and for nobody in particular.
const Overflow = 65534

// CgroupPrefix begins the name of the control group that an rpcd makes for its
// calls. 16 random hexadecimal digits follow.
const CgroupPrefix = "rpcd-calls-"

// MaxFreeCgroups is how many empty control groups an rpcd keeps at most for calls
// to come.
const MaxFreeCgroups = 64

// HasControl says whether a text holds control characters (Unicode's category Cc).
// Terminals obey them, those of C1 too (U+009B as ESC [), and they end lines. No
// name of a worker, procedure or variable may hold one.
func HasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// Worker says why a worker can't have this name, in words that follow the name.
// nil: it can. A worker is named like its folder or socket in DefaultDir, so a
// name is one component of a path. (What has a slash is the path of a socket.)
func Worker(name string) error {
	switch {
	case name == "":
		return errors.New("its name is empty")
	case HasControl(name):
		return errors.New("its name holds control bytes")
	case strings.Contains(name, "/"):
		return errors.New("its name holds a slash")
	case name == ".", name == "..":
		return errors.New("that is a folder (put a slash behind it)")
	case len(name) > MaxWorker:
		return fmt.Errorf("its name is too long (at most %d bytes)", MaxWorker)
	}
	return nil
}
