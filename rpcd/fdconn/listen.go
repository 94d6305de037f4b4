package fdconn

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// backlog is how many connections may wait to be accepted. The kernel lowers it
// to net.core.somaxconn (listen(2)), whose default is 4096 since Linux 5.4.
const backlog = 4096

// Listener is a listening socket and its file.
type Listener struct {
	s         *socket.Conn
	path      string
	inherited bool // the file belongs to somebody else; see Inherit
	lock      *os.File
	leave     func() // Guard, for the socket and the lock; nil: inherited
	inode     uint64
	once      sync.Once
	closed    atomic.Bool
}

// Path gives the path of the socket's file, as Listen got it or as the inherited
// socket has it.
func (l *Listener) Path() string { return l.path }

// Listen makes the socket file path with the permission bits of mode (0777), and
// with group gid if gid isn't negative. The file appears only once the socket
// takes connections.
//
// A stale socket, on which no process listens, is replaced. Listen fails if path
// is a socket with a listener or no socket at all, and leaves it alone.
func Listen(path string, mode os.FileMode, gid int) (*Listener, error) {
	lock, err := awaitLock(path)
	if err != nil {
		return nil, err
	}
	l, err := listen(path, mode, gid)
	if err != nil {
		dropLock(lock)
		return nil, err
	}
	l.lock = lock
	socket, locked := guard(l.s), Guard(int(lock.Fd()), true)
	l.leave = func() { socket(); locked() }
	return l, nil
}

func listen(path string, mode os.FileMode, gid int) (_ *Listener, err error) {
	if err := vacant(path); err != nil {
		return nil, err
	}
	// The socket gets its final name last: it is bound, set up and made to listen
	// under a short name in the same folder.
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%016x.tmp", hash(path)))
	s, err := bind(temporary, mode)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
			os.Remove(temporary)
		}
	}()
	if err := exactly(temporary, mode&0o777); err != nil {
		return nil, fmt.Errorf("set the socket's mode: %w", err)
	}
	if gid >= 0 {
		if err := os.Lchown(temporary, -1, gid); err != nil {
			return nil, fmt.Errorf("give the socket to group %d: %w", gid, err)
		}
	}
	if err := s.Listen(backlog); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(temporary, &st); err != nil {
		return nil, fmt.Errorf("look at the socket: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return nil, fmt.Errorf("name the socket: %w", leftOver(path, err))
	}
	return &Listener{s: s, path: path, inode: st.Ino}, nil
}

// bind makes a socket with the file temporary. The caller closes the socket and
// removes the file.
func bind(temporary string, mode os.FileMode) (*socket.Conn, error) {
	name, done, err := short(temporary)
	if err != nil {
		return nil, err
	}
	defer done()
	s, err := socket.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0, "rpcd", nil)
	if err != nil {
		return nil, err
	}
	// A daemon that died in the middle of this may have left the file. The lock
	// keeps others away.
	_ = os.Remove(temporary)
	// The umask gives the file its mode from the start. A later chmod would follow
	// a link that somebody put in the file's place. Until the socket listens nobody
	// can connect.
	umask := unix.Umask(int(^mode & 0o777))
	err = s.Bind(&unix.SockaddrUnix{Name: name})
	unix.Umask(umask)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("make a socket in %q: %w", filepath.Dir(temporary), leftOver(temporary, err))
	}
	return s, nil
}

// exactly gives a socket its mode where a default ACL of the folder has kept
// some of it back (acl(5)): by a descriptor, which nobody can swap.
func exactly(path string, mode os.FileMode) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || os.FileMode(st.Mode&0o777) == mode {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || int(st.Uid) != os.Geteuid() {
		return errors.New("something else is in its place")
	}
	return unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), uint32(mode))
}

// hash gives a short number for the file's name, different for each replica in a
// folder. The name itself can be too long for a socket address.
func hash(path string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(filepath.Base(path)))
	return h.Sum64()
}

// vacant returns nil if path is free or a stale socket. Else its error says what
// is in the way.
func vacant(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("listen on %q: it exists and is no socket: remove it, or choose another path", path)
	}
	if err := occupied(path); err != nil {
		return fmt.Errorf("listen on %q: %w", path, err)
	}
	return nil
}

// stale reports whether path is a socket on which no process listens. Only
// ECONNREFUSED proves that.
func stale(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := Dial(ctx, path)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

// Sweep removes the stale sockets of a folder, which replicas left when they
// died. It leaves sockets alone that answer or that somebody is just making.
func Sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.Type() != fs.ModeSocket || filepath.Ext(e.Name()) != ".sock" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		lock, err := takeLock(path)
		if err != nil {
			continue
		}
		if stale(path) {
			os.Remove(path)
		}
		dropLock(lock)
	}
}

// Accept waits for a connection. The connection receives descriptors. After
// Close the error is os.ErrClosed.
func (l *Listener) Accept() (*Conn, error) {
	s, _, err := l.s.Accept(context.Background(), 0)
	if err != nil {
		if l.closed.Load() {
			err = os.ErrClosed
		}
		return nil, err
	}
	return newConn(s, true), nil
}

// AcceptAndRefuse accepts a waiting connection, sends b on it and closes it. It
// reports whether there was such a connection. It needs one free descriptor and
// never waits.
func (l *Listener) AcceptAndRefuse(b []byte) bool {
	rc, err := l.s.SyscallConn()
	if err != nil {
		return false
	}
	fd := -1
	if rc.Control(func(s uintptr) {
		fd, _, err = unix.Accept4(int(s), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	}) != nil || err != nil {
		return false
	}
	_, _ = unix.SendmsgN(fd, b, nil, nil, unix.MSG_NOSIGNAL)
	discardSocket(fd)
	return true
}

// RefuseWaiting has AcceptAndRefuse refuse all that wait, backlog at most, and gives
// their number. A caller that has a descriptor of the socket's file may come again
// for ever.
func (l *Listener) RefuseWaiting(b []byte) int {
	return refuseAll(func() bool { return l.AcceptAndRefuse(b) })
}

func refuseAll(next func() bool) (n int) {
	for n < backlog && next() {
		n++
	}
	return n
}

// discardSocket closes a connection that nobody has read.
func discardSocket(fd int) {
	if !hasUnread(fd) {
		unix.Close(fd)
		return
	}
	var owner uint32
	if cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
		owner = cred.Uid
	}
	Discard(owner, []int{fd})
}

// HangUp lets nobody connect any more, and ends Accept once all are accepted that
// have connected. A socket that belongs to somebody else is left alone.
func (l *Listener) HangUp() {
	l.Unlink()
	if rc, err := l.s.SyscallConn(); err == nil && !l.inherited {
		_ = rc.Control(func(s uintptr) { _ = unix.Shutdown(int(s), unix.SHUT_RDWR) })
	}
}

// Unlink removes the socket's file, so that no new caller finds it. It leaves a
// file alone that isn't this Listener's.
func (l *Listener) Unlink() {
	if l.owns() {
		os.Remove(l.path)
	}
}

// owns says whether the socket's file is this Listener's.
func (l *Listener) owns() bool {
	var st unix.Stat_t
	return !l.inherited && unix.Lstat(l.path, &st) == nil && st.Ino == l.inode
}

// Close ends Accept, and removes the socket's file as Unlink does. Only the
// first call does something.
func (l *Listener) Close() error {
	var err error
	l.once.Do(func() {
		l.HangUp()
		if !l.inherited {
			l.RefuseWaiting(nil) // the kernel would close them, and what they have sent
		}
		l.closed.Store(true)
		if l.leave != nil {
			l.leave()
		}
		err = l.s.Close()
		dropLock(l.lock)
	})
	return err
}
