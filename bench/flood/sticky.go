package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/stubborn"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// stickySize is how many descriptors are held that don't want to be closed.
const stickySize = 1000

// sticky keeps stickySize connections, each of which has sent half a frame and a
// descriptor whose close waits for an hour, and three callers whose file systems don't
// answer.
func sticky(f *flooder) {
	debug.SetGCPercent(-1) // a collection stops the threads that serve the file systems
	for _, hang := range []func(*flooder, *stubborn.FileSystem){hungStdin, hungDirectory, hungLookup} {
		folder, err := os.MkdirTemp("", "flood-*")
		if err == nil {
			defer os.Remove(folder)
			var fs *stubborn.FileSystem
			if fs, err = stubborn.Mount(folder); err == nil {
				defer fs.Unmount()
				hang(f, fs)
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "flood: no file system that hangs:", err)
			os.Exit(1)
		}
	}
	for range stickySize {
		go func() {
			for !f.isOver() {
				f.stick()
			}
		}()
	}
	f.inForce()
	<-f.over
}

// stick makes one such connection, and returns when the worker closes it.
func (f *flooder) stick() {
	conn := f.dial()
	if conn == nil {
		return
	}
	defer conn.Close()
	fd, other, err := stubborn.Sticky()
	if err != nil {
		fmt.Fprintln(os.Stderr, "flood: no sticky descriptor:", err)
		os.Exit(1)
	}
	defer other.Close()
	_ = conn.WriteDescriptors(half(wire.Question(wire.TypePing)), []int{fd})
	go unix.Close(fd) // it waits if the worker's close came first
	f.answer(conn)
}

// half gives so much of a frame that a descriptor travels with it.
func half(frame []byte) []byte { return frame[:9] }

// hungStdin makes a caller whose stdin hangs at each close.
func hungStdin(f *flooder, fs *stubborn.FileSystem) {
	call := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}, Umask: 0o022, Streams: []wire.Stream{{Mode: wire.Passed}}}
	conn := f.dial()
	fd, err := unix.Open(filepath.Join(fs.Dir, "file"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if conn == nil || err != nil {
		return
	}
	frame := call.Append()
	_ = conn.WriteDescriptors(half(frame), []int{fd})
	unix.Close(fd)
	fs.Hang(stubborn.RequestFlush)
	_ = conn.WriteFrame(frame[len(half(frame)):])
	f.keep(conn)
}

// hungDirectory makes a caller whose directory can't be entered.
func hungDirectory(f *flooder, fs *stubborn.FileSystem) {
	fs.Hang(stubborn.RequestAccess)
	f.callFrom(filepath.Join(fs.Dir, "dir"))
}

// hungLookup makes a caller whose directory can't be found.
func hungLookup(f *flooder, fs *stubborn.FileSystem) {
	fs.Hang(stubborn.RequestLookup)
	f.callFrom(filepath.Join(fs.Dir, "dir"))
}

func (f *flooder) callFrom(dir string) {
	conn := f.dial()
	if conn == nil {
		return
	}
	call := wire.Call{Procedure: "true", Dir: wire.Dir{Name: dir}, Umask: 0o022}
	_ = conn.WriteFrame(call.Append())
	f.keep(conn)
}

// keep holds a connection until the flood is over.
func (f *flooder) keep(conn *fdconn.Conn) {
	go func() {
		<-f.over
		_ = conn.SetDeadline(time.Now())
		conn.Close()
	}()
}
