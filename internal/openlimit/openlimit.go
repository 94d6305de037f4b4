// Package openlimit knows how many descriptors this process may have.
package openlimit

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Number is the limit of open files at the first call, RLIMIT_NOFILE (getrlimit(2)).
// Package syscall has raised it to the hard limit by then.
var Number = sync.OnceValue(func() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return fallback
	}
	return int(min(l.Cur, 1<<30))
})

// fallback is Linux's own soft limit.
const fallback = 1024
