package names

import "strings"

// MaxPath is how many bytes a path may have for the kernel: PATH_MAX without its
// final NUL (limits.h(0p)).
const MaxPath = 4095

// IsLogical says whether a path can be a directory's logical name, as PWD holds
// it: absolute, and without components that are . or .. (POSIX, pwd -L). It
// doesn't look whether the directory is there.
func IsLogical(path string) bool {
	if !strings.HasPrefix(path, "/") || len(path) > MaxPath {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return true
}
