package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/door"
)

// pipe is an anonymous pipe or a FIFO; the zero pipe is none.
type pipe struct{ device, inode uint64 }

// pipeAt gives the pipe at a path, or none.
func pipeAt(path string) (p pipe) {
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
		p = pipe{uint64(st.Dev), st.Ino}
	}
	return p
}

// stdinPipe gives the pipe that is our stdin, or none.
func stdinPipe() pipe { return pipeAt("/proc/self/fd/0") }

// tellLostInput says that bytes of stdin were read ahead in vain, where that harms:
// where our parent reads the same pipe, as a loop or a script that came by a pipe
// does. A local command would have left them there.
func tellLostInput(cmd *client.Cmd, stdin pipe) {
	n := door.Of(cmd).LostInput()
	if n == 0 || stdin == (pipe{}) || pipeAt(fmt.Sprintf("/proc/%d/fd/0", os.Getppid())) != stdin {
		return
	}
	fmt.Fprintf(os.Stderr, "rpc: %d bytes of stdin were read ahead for %q, which took none: the shell that called rpc lacks them (-n reads none)\n", n, cmd.Procedure)
}
