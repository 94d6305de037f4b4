package rig

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// startThread gives the way to the one thread that starts processes. The kernel
// sends the signal of PR_SET_PDEATHSIG(2const) when the thread that started a
// process ends, not the process: so this thread never ends.
var startThread = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go serveStarts(work)
	return work
})

func serveStarts(work <-chan func()) {
	runtime.LockOSThread()
	for f := range work {
		f()
	}
}

// StartTied starts cmd in a process group of its own, and has the kernel send
// sig to it when this process ends, however that comes. A Ctrl-C is for this
// process alone.
func StartTied(cmd *exec.Cmd, sig syscall.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: sig}
	started := make(chan error)
	startThread() <- func() { started <- cmd.Start() }
	return <-started
}
