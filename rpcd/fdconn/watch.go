package fdconn

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Watch tells when a socket's file isn't its listener's any more: callers don't
// find the listener then.
type Watch struct {
	l       *Listener
	inotify *os.File
	here    bool
}

// Watch watches the file of a listener that Listen made. The caller closes the
// Watch before the listener, which removes the file itself.
func (l *Listener) Watch() (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err == nil {
		// Of the folder, since a file that is moved away or replaced tells nothing.
		const changes = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
		if _, err = unix.InotifyAddWatch(fd, filepath.Dir(l.path), changes); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("watch %q: %w", filepath.Dir(l.path), err)
	}
	return &Watch{l, os.NewFile(uintptr(fd), "inotify"), true}, nil
}

// Next waits until the file is gone, or is back after that, and says which. The
// error is that of a closed Watch, or of a folder that is gone for good.
func (w *Watch) Next() (here bool, err error) {
	var events [4096]byte
	for w.l.owns() == w.here {
		if _, err := w.inotify.Read(events[:]); err != nil {
			return w.here, err
		}
	}
	w.here = !w.here
	return w.here, nil
}

// Close ends Next.
func (w *Watch) Close() error { return w.inotify.Close() }
