package caller

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Umask gives the process's file mode mask (proc_pid_status(5)). umask(2) would
// change it for a moment, while other goroutines may create files.
func Umask() uint32 {
	b, err := os.ReadFile("/proc/self/status")
	if err == nil {
		if _, rest, ok := bytes.Cut(b, []byte("\nUmask:")); ok {
			line, _, _ := bytes.Cut(rest, []byte("\n"))
			if v, err := strconv.ParseUint(strings.TrimSpace(string(line)), 8, 32); err == nil {
				return uint32(v)
			}
		}
	}
	mask := unix.Umask(0o077) // without /proc there is no other way
	unix.Umask(mask)
	return uint32(mask)
}
