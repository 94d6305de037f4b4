package stubborn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// FileSystem is a file system (fuse(4)) that can be told to leave requests without
// an answer. In its root and in each folder there is a file of every name, and a
// folder of every name that begins with "dir".
type FileSystem struct {
	Dir string

	dev     int
	mu      sync.Mutex
	hangs   map[Request]bool
	waiting []fuseRequest
	over    chan struct{} // closed when nobody serves it any more
}

// Request is a kind of what the kernel asks a file system for: FUSE_* in linux/fuse.h.
type Request uint32

// The requests that are hung.
const (
	RequestLookup Request = 1  // open(2) by name
	RequestOpen   Request = 14 // of a file
	RequestRead   Request = 15
	RequestFlush  Request = 25 // each close(2)
	RequestAccess Request = 34 // chdir(2)
)

type fuseRequest struct {
	op     Request
	unique uint64
	node   uint64
	name   string
}

// Mount mounts a file system on an empty folder (fuse(4)), which needs root. An error
// says that the machine lacks /dev/fuse or forbids it.
func Mount(dir string) (*FileSystem, error) {
	if os.Getuid() != 0 {
		return nil, errors.New("mounting needs root")
	}
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("there is no /dev/fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", dev)
	if err := unix.Mount("stubborn", dir, "fuse", 0, options); err != nil {
		unix.Close(dev)
		return nil, fmt.Errorf("mounting is forbidden: %w", err)
	}
	fs := &FileSystem{Dir: dir, dev: dev, hangs: map[Request]bool{}, over: make(chan struct{})}
	go func() { defer close(fs.over); fs.serve() }()
	return fs, nil
}

// Unmount ends the file system and all requests to it. It needs no answer of it.
func (fs *FileSystem) Unmount() {
	_ = Unmount(fs.Dir)
	<-fs.over
	unix.Close(fs.dev)
}

// Unmount ends the file system on a folder, also one of another process.
func Unmount(dir string) error { return unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH) }

// Hang leaves requests of these kinds without an answer from now on.
func (fs *FileSystem) Hang(kinds ...Request) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, k := range kinds {
		fs.hangs[k] = true
	}
}

// Answer answers all requests, also those that hang.
func (fs *FileSystem) Answer() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	clear(fs.hangs)
	for _, r := range fs.waiting {
		fs.answer(r)
	}
	fs.waiting = nil
}

// Waiting is how many requests hang now.
func (fs *FileSystem) Waiting() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.waiting)
}

// serve reads requests until the file system is unmounted.
func (fs *FileSystem) serve() {
	b := make([]byte, 1<<17)
	for {
		n, err := unix.Read(fs.dev, b)
		switch err {
		case nil:
		case unix.EINTR, unix.EAGAIN, unix.ENOENT: // ENOENT: a request was interrupted
			continue
		default:
			return
		}
		h := b[:n]
		r := fuseRequest{op: Request(binary.NativeEndian.Uint32(h[4:])), unique: binary.NativeEndian.Uint64(h[8:]), node: binary.NativeEndian.Uint64(h[16:])}
		if r.op == RequestLookup {
			r.name = string(h[40 : n-1])
		}
		fs.take(r)
	}
}

func (fs *FileSystem) take(r fuseRequest) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.hangs[r.op] {
		fs.waiting = append(fs.waiting, r)
		return
	}
	fs.answer(r)
}

// Requests that get an answer of their own, and that get none.
const (
	fuseForget      Request = 2
	fuseGetattr     Request = 3
	fuseRelease     Request = 18
	fuseInit        Request = 26
	fuseOpendir     Request = 27
	fuseReleasedir  Request = 29
	fuseInterrupt   Request = 36
	fuseBatchForget Request = 42
)

// answer answers a request. Node 1 is the root, node 3 each folder in it, node 2 all
// files.
func (fs *FileSystem) answer(r fuseRequest) {
	const forAnHour, file, folder = 3600, 2, 3
	u32, u64 := binary.NativeEndian.AppendUint32, binary.NativeEndian.AppendUint64
	attributes := func(b []byte, node uint64) []byte {
		mode := uint32(unix.S_IFDIR | 0o755)
		if node == file {
			mode = unix.S_IFREG | 0o777
		}
		b = append(u64(b, node), make([]byte, 6*8-8)...) // size, blocks and times: 0
		b = append(b, make([]byte, 3*4)...)              // of the times
		b = u32(u32(b, mode), 1)
		b = append(b, make([]byte, 3*4)...) // uid, gid, rdev
		return u32(u32(b, 4096), 0)
	}
	var out []byte
	var failed unix.Errno
	switch r.op {
	case fuseForget, fuseBatchForget, fuseInterrupt:
		return
	case fuseInit:
		out = u32(u32(u32(u32(nil, 7), 31), 65536), 0)
		out = binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(out, 12), 9)
		out = append(u32(u32(out, 65536), 1), make([]byte, 36)...)
	case RequestLookup:
		node := uint64(file)
		if len(r.name) >= 3 && r.name[:3] == "dir" {
			node = folder
		}
		out = u32(u32(u64(u64(u64(u64(nil, node), 0), forAnHour), forAnHour), 0), 0)
		out = attributes(out, node)
	case fuseGetattr:
		out = attributes(u32(u32(u64(nil, forAnHour), 0), 0), r.node)
	case RequestOpen, fuseOpendir:
		out = u32(u32(u64(nil, 1), 0), 0)
	case RequestFlush, RequestAccess, RequestRead, fuseRelease, fuseReleasedir:
	default:
		failed = unix.ENOSYS
	}
	b := u64(u32(u32(nil, uint32(16+len(out))), uint32(-int32(failed))), r.unique)
	_, _ = unix.Write(fs.dev, append(b, out...))
}
