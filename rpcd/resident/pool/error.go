package pool

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/wire"
)

// Error says why a program that was started is no resident worker.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func unfit(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// advice is what an operator may do about a program that isn't a resident worker.
const advice = "it has to call resident.serve, or remove the file workers"

// Why a worker was broken off.
var (
	errNoise  = errors.New("it sent bytes between two calls, or closed its socket")
	errClosed = errors.New("it closed its socket")
	errSilent = errors.New("it took no call within the time for an answer")
)

// unready explains why a worker's first frames were none, or didn't come. said is what
// one that has ended by itself printed last: most often it is the reason.
func unready(err error, ended, said string) error {
	var version *wire.VersionError
	switch {
	case ended != "" && said != "":
		return unfit("run ended %s before it was ready, and said last %q", ended, said)
	case ended != "":
		return unfit("run ended %s before it was ready: %s", ended, advice)
	case errors.As(err, &version):
		return unfit("run speaks version %d of the protocol, rpcd version %d: use one release", version.Theirs, wire.Version)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return unfit("run said nothing to rpcd: %s", advice)
	case errors.Is(err, wire.ErrProtocol):
		return unfit("run broke the protocol before it was ready: %v", err)
	}
	return unfit("run closed its socket before it was ready: %s", advice)
}

// unstarted explains why a process couldn't be started.
func unstarted(err error) error {
	var dir *child.DirError
	if errors.As(err, &dir) {
		return fmt.Errorf("cannot enter its workdir: %w", dir.Err)
	}
	return err
}

// how says how a process ended.
func how(status unix.WaitStatus) string {
	if status.Signaled() {
		return "by " + unix.SignalName(status.Signal())
	}
	return fmt.Sprintf("with status %d", status.ExitStatus())
}
