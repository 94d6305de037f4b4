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
		if !errors.Is(err, errLocked) || time.Now().After(end) || lives(path) {
			return lock, err
		}
	}
}

// lives says whether somebody serves at path. That the kernel takes a
// connection proves nothing of a daemon that was just killed: it hangs up when
// its socket goes. So who lives is asked for as long as that may take.
func lives(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), dying)
	defer cancel()
	c, err := Dial(ctx, path)
	if err != nil {
		return !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ENOENT)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(dying))
	var b [1]byte
	_, err = c.Read(b[:])
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded)
}

// takeLock locks the file beside the socket path (flock(2)), so that of two
// daemons that find a stale socket one takes it over. The lock file's name
// begins with a dot and it is removed by dropLock.
func takeLock(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("listen on %q: %w", path, err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, fmt.Errorf("listen on %q: %w", path, errLocked)
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
