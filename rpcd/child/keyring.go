package child

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// joinKeyring gives the calling thread, and so the process that it forks, a new and
// empty session keyring (session-keyring(7)). Else all processes would have rpcd's,
// with its keys and with what they leave there for each other. The caller has locked
// the thread. leave gives it another one, so that neither rpcd nor a thread that it
// makes has the process's.
//
// A kernel without keyrings, and a seccomp filter that forbids keyctl(2), give an
// error to the process as well, so it starts with the keyring that there is.
func joinKeyring() (leave func(), err error) {
	err = newKeyring()
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return func() {}, nil
	case err != nil: // EDQUOT: /proc/sys/kernel/keys has the limits
		return nil, fmt.Errorf("make a session keyring: %w", err)
	}
	// Without room for another keyring the thread keeps the process's until it
	// starts the next. rpcd itself uses no keys.
	return func() { _ = newKeyring() }, nil
}

// newKeyring passes no name, which another process could join by.
func newKeyring() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	return err
}

// haveKeyrings reports whether a process can have a session keyring of its own. It
// tries it in a thread that ends at once, and that may be none: then the start of
// a process gives the error.
func haveKeyrings() bool {
	var err error
	tried := make(chan struct{})
	go func() {
		defer close(tried)
		runtime.LockOSThread() // for good, so that the thread ends with this goroutine
		err = newKeyring()
	}()
	<-tried
	return !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM)
}
