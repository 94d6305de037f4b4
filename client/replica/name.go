package replica

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// maxName is the longest worker's name, in bytes: with ".sock" it is a file's
// name (255 bytes, NAME_MAX), and has room left.
const maxName = 200

// checkName refuses what can't be a worker: a name, or a path with a slash in it.
func checkName(worker string) error {
	bad := func(why string) error {
		name := worker
		if len(name) > 50 {
			name = name[:50] + "..."
		}
		return newError(Usage, worker, nil, "cannot call the worker %q: %s", name, why)
	}
	switch {
	case worker == "":
		return bad("its name is empty")
	case strings.ContainsFunc(worker, unicode.IsControl):
		return bad("its name holds control bytes")
	case strings.Contains(worker, "/"):
		if len(worker) >= unix.PathMax {
			return bad("its path is too long")
		}
		return nil
	case worker == ".", worker == "..":
		return bad("that is a folder (put a slash behind it)")
	case len(worker) > maxName:
		return bad(fmt.Sprintf("its name is too long (at most %d bytes)", maxName))
	}
	return nil
}
