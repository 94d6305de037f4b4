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

// errLocked says that another process holds the lock.
var errLocked = errors.New("another rpcd serves there")

// dying is how long a daemon that was killed may hold its lock and its socket:
// until the kernel has cleared it away.
const dying = 2 * time.Second

// awaitLock is takeLock, which waits for a daemon that is about to go.
func awaitLock(path string) (*os.File, error) {
	for end := time.Now().Add(dying); ; time.Sleep(20 * time.Millisecond) {
		lock, err := takeLock(path)
		if !errors.Is(err, errLocked) || time.Now().After(end) || occupied(path) != nil {
			return lock, err
		}
	}
}

// occupied says why path may not be taken: somebody serves there, or it can't
// be asked whether somebody does. That the kernel takes a
// connection proves nothing of a daemon that was just killed: it hangs up when
// its socket goes. So who lives is asked for as long as that may take.
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

// leftOver is the error of a file in the way: another user's is named, with
// what to do, since that is what hinders and not the folder. Else it is err.
func leftOver(file string, err error) error {
	var st unix.Stat_t
	if unix.Lstat(file, &st) != nil || int(st.Uid) == os.Geteuid() {
		return err
	}
	return fmt.Errorf("%q belongs to uid %d, and rpcd is uid %d (rm it if nothing serves there)", file, st.Uid, os.Geteuid())
}

// takeLock locks the file beside the socket path (flock(2)), so that of two
// daemons that find a stale socket one takes it over. The lock file's name
// begins with a dot and it is removed by dropLock.
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
				if whose := leftOver(name, nil); whose != nil { // anybody may lock what he could make, in a sticky folder
					err = fmt.Errorf("%w, or holds its lock: %v", err, whose)
				}
				return nil, err
			}
			return nil, fmt.Errorf("lock %q: %w", name, err)
		}
		// The one before us may have removed the file that we locked.
		mine, err1 := f.Stat()
		there, err2 := os.Lstat(name)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
	}
}

// dropLock removes the lock file, then lets go of it.
func dropLock(f *os.File) {
	if f == nil {
		return
	}
	os.Remove(f.Name())
	f.Close()
}
