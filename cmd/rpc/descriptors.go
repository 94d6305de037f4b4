package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// descriptorName is a descriptor by its name, as bash writes a process substitution,
// alone or behind an option (--file=/dev/fd/63, proc(5)).
var descriptorName = regexp.MustCompile(`^([^\s/]*=)?(/dev/fd/|/proc/self/fd/)([0-9]+)$`)

// refuseDescriptors refuses a call whose words name a descriptor of ours beyond 2:
// it stays here, and the procedure would open nothing, or another file of that
// number. One that isn't open here is the procedure's own affair.
func refuseDescriptors(words []string) error {
	for _, w := range words {
		m := descriptorName.FindStringSubmatch(w)
		if m == nil {
			continue
		}
		if n, err := strconv.ParseUint(m[3], 10, 31); err == nil && n > 2 && inherited(int(n)) {
			return fmt.Errorf("cannot pass %q: descriptors beyond 2 stay here (give <(...) by stdin, or write it to a file)", m[2]+m[3])
		}
	}
	return nil
}

// inherited says whether a descriptor is open, and was when rpc was started: those
// of Go's runtime are closed on exec.
func inherited(n int) bool {
	if n < 0 || n > math.MaxInt32 {
		return false
	}
	flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}
