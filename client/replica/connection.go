package replica

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/talk"
)

// Connection is a connection to a replica. It carries one call after the other,
// if its calls say KEEP.
type Connection struct {
	*talk.Conn
	FD   *fdconn.Conn // the socket of Conn, for what isn't said in frames
	Path string       // of the replica's socket

	worker string // whose replica it is
	at     inode
}

// inode says which socket was connected to: its path may have another one later.
type inode struct{ device, number uint64 }

// inodeOf gives the zero inode when there is nothing at path.
func inodeOf(path string) inode {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return inode{}
	}
	return inode{uint64(st.Dev), st.Ino}
}

// connectTime is how long a full queue of connections at the replica is given.
const connectTime = 5 * time.Second

// Connect connects to one replica of a worker.
func Connect(ctx context.Context, worker, path string) (*Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	at := inodeOf(path) // before: a socket that comes meanwhile has another one
	fd, err := dial(ctx, worker, path)
	if err != nil {
		return nil, unreachable(worker, path, err)
	}
	return &Connection{Conn: talk.NewConn(fd), FD: fd, Path: path, worker: worker, at: at}, nil
}

// Adopt makes a Connection of one that somebody else has made, and of which read
// was read.
func Adopt(fd *fdconn.Conn, worker, path string, read []byte) *Connection {
	return &Connection{Conn: talk.NewConnAfter(fd, read), FD: fd, Path: path, worker: worker, at: inodeOf(path)}
}
