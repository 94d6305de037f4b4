package fdconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// errLocked means that another process holds the lock or serves at the path.
var errLocked = errors.New("another rpcd serves there")

// dying is how long a killed daemon may still hold its lock and its socket. The
// kernel closes them when it gets to it, later on a busy machine.
const dying = 2 * time.Second

// awaitLock takes the lock as takeLock does, but waits up to dying for a daemon
// that was killed. It doesn't wait for a daemon that lives.
func awaitLock(path string) (*os.File, error) {
	for end := time.Now().Add(dying); ; time.Sleep(20 * time.Millisecond) {
		lock, err := takeLock(path)
		if !errors.Is(err, errLocked) || time.Now().After(end) || occupied(path) != nil {
			return lock, err
		}
	}
}

// occupied returns an error if a daemon serves at path, or if path can't be asked
// whether one does.
//
// The kernel also accepts a connection for a daemon that was just killed, and
// closes it with the daemon's socket. So occupied waits up to dying for that end:
// a connection that stays open belongs to a live daemon.
func occupied(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dying)
	defer cancel()
	c, err := Dial(ctx, path)
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EACCES):
		return leftOver(path, errLocked)
	case err != nil:
		return errLocked
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(dying))
	var b [1]byte
	if _, err = c.Read(b[:]); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return errLocked
	}
	return nil
}

// leftOver returns err, unless file belongs to another user. Then that file is
// the obstacle, and the error names its owner and the cure.
func leftOver(file string, err error) error {
	var st unix.Stat_t
	if unix.Lstat(file, &st) != nil || int(st.Uid) == os.Geteuid() {
		return err
	}
	return fmt.Errorf("%q belongs to uid %d, and rpcd is uid %d (rm it if nothing serves there)", file, st.Uid, os.Geteuid())
}

// takeLock locks the file .NAME.lock beside the socket NAME (flock(2)). If two
// daemons find one stale socket, only one of them gets it. dropLock removes the
// lock file.
func takeLock(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("listen on %q: %w", path, leftOver(name, err))
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = fmt.Errorf("listen on %q: %w", path, errLocked)
				// In a sticky folder any user can make the lock file and hold it.
				if whose := leftOver(name, nil); whose != nil {
					err = fmt.Errorf("%w, or holds its lock: %v", err, whose)
				}
				return nil, err
			}
			return nil, fmt.Errorf("lock %q: %w", name, err)
		}
		// The last holder may have removed the file after we opened it. Then our
		// lock is worth nothing, and we try again.
		mine, err1 := f.Stat()
		there, err2 := os.Lstat(name)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
	}
}

// dropLock removes the lock file, then releases the lock. nil is no lock.
func dropLock(f *os.File) {
	if f == nil {
		return
	}
	os.Remove(f.Name())
	f.Close()
}
