// Package display writes what callers and the file system name, so that it may
// stand in a line of a log, an error or a shell. It knows no policy.
package display

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// maxQuoted is how many bytes Quote shows: an argument may be 128 KiB long.
const maxQuoted = 100

// Quote quotes what a caller or a file says: control bytes are escaped, and only
// the first 100 bytes are shown.
func Quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted] + "...")
	}
	return strconv.Quote(s)
}

// Printable escapes control bytes and quotes, and leaves the rest as it is.
func Printable(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// ShellWord writes a path as one word of a shell's command line: as it is, in single
// quotes, or as bash's $'...'.
func ShellWord(path string) string {
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/._-+,:@%", c) >= 0 {
			continue
		}
		quoted := strconv.Quote(path)
		if quoted == `"`+path+`"` && !strings.ContainsAny(path, "'") {
			return "'" + path + "'"
		}
		return "$" + "'" + strings.ReplaceAll(quoted[1:len(quoted)-1], "'", `\'`) + "'"
	}
	return path
}

// Cause gives the last part of an error, for a sentence that names the file
// already.
func Cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
