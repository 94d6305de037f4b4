package fdconn

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// entry is a socket's entry in Go's poller (epoll(7)), as epoll_ctl(2) takes it. nil is
// one that isn't known, and stays as Go has made it.
type entry struct {
	poller int
	data   uint64
	room   bool // it waits for room, too
}

// goEvents is what Go waits for at every socket, as fdinfo has it: with EPOLLERR and
// EPOLLHUP, which the kernel adds.
const goEvents = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLERR | unix.EPOLLHUP | unix.EPOLLET

// IgnoreRoom lets this process sleep while the other side reads. Go waits for room at
// every socket (EPOLLOUT), so the kernel wakes this process each time the other side has
// read something, also where nobody wants to write. From now on it waits for room only
// while a write does, until Detach. That is for a connection that lives long: it takes
// some looks into /proc. Where these tell nothing, all stays as it is.
func (c *Conn) IgnoreRoom() {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return
	}
	c.write.Lock()
	defer c.endWrite()
	_ = rc.Control(func(fd uintptr) {
		if e := entryOf(int(fd)); e != nil && e.setRoom(fd, false) == nil {
			c.entry = e
		}
	})
}

// heedRoom undoes IgnoreRoom, for a write that doesn't go by send; c.write is held.
func (c *Conn) heedRoom() {
	if rc, err := c.s.Load().SyscallConn(); err == nil && c.entry != nil {
		_ = rc.Control(func(fd uintptr) { _ = c.entry.setRoom(fd, true) })
		c.entry = nil
	}
}

// setRoom sets whether Go's poller waits for room at the socket. When there is room
// already, the kernel tells so anew (epoll_ctl(2), EPOLL_CTL_MOD).
func (e *entry) setRoom(fd uintptr, room bool) error {
	if e == nil || e.room == room {
		return nil
	}
	event := unix.EpollEvent{Events: goEvents}
	if !room {
		event.Events &^= unix.EPOLLOUT
	}
	var data [8]byte
	binary.NativeEndian.PutUint64(data[:], e.data)
	event.Fd = int32(binary.NativeEndian.Uint32(data[:4]))
	event.Pad = int32(binary.NativeEndian.Uint32(data[4:]))
	if err := unix.EpollCtl(e.poller, unix.EPOLL_CTL_MOD, int(fd), &event); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	e.room = room
	return nil
}

// goPoller is the descriptor of Go's poller plus 1, or 0 as long as it isn't known. Go
// never closes it.
var goPoller atomic.Int64

// entryOf finds a socket's entry in Go's poller, or gives nil.
func entryOf(fd int) *entry {
	if known := goPoller.Load(); known > 0 {
		return entryIn(int(known-1), fd)
	}
	var found *entry
	for _, poller := range pollers() {
		if e := entryIn(poller, fd); e != nil && found == nil {
			found = e
		} else if e != nil {
			return nil // the program has a poller of its own that is alike
		}
	}
	if found != nil {
		goPoller.Store(int64(found.poller) + 1)
	}
	return found
}

// pollers are this process's descriptors of epoll instances.
func pollers() (list []int) {
	files, _ := os.ReadDir("/proc/self/fd")
	for _, f := range files {
		to, err := os.Readlink("/proc/self/fd/" + f.Name())
		if fd, e := strconv.Atoi(f.Name()); err == nil && e == nil && to == "anon_inode:[eventpoll]" {
			list = append(list, fd)
		}
	}
	return list
}

// entryIn finds a socket's entry in a poller, if it is as Go makes them
// (proc_pid_fdinfo(5)).
func entryIn(poller, fd int) *entry {
	info, _ := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(poller)) // without it nothing is found
	for line := range strings.Lines(string(info)) {
		words := strings.Fields(line) // tfd: N events: HEX data: HEX ...
		if len(words) < 6 || words[0] != "tfd:" || words[1] != strconv.Itoa(fd) {
			continue
		}
		events, err1 := strconv.ParseUint(words[3], 16, 32)
		data, err2 := strconv.ParseUint(words[5], 16, 64)
		if err1 == nil && err2 == nil && events == goEvents {
			return &entry{poller: poller, data: data, room: true}
		}
	}
	return nil
}
