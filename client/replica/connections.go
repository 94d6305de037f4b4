package replica

import (
	"slices"
	"sync"
	"time"
)

// Connections are connections of calls that have ended, kept for calls to come.
// The zero value holds none; all methods but Put may be called on nil, too.
// Several goroutines may use one.
//
// A connection is given out once. It is dropped if the replica has closed it or
// has sent bytes since the last call. The worker judges all calls on a connection
// by the user who made it, since it asks the kernel only then.
type Connections struct {
	mu     sync.Mutex
	kept   []*keptConnection // the eldest first
	closed bool
}

// MaxKept bounds the connections that wait for a call. Each holds a descriptor
// here, and one of the few places for idle connections at its worker.
const MaxKept = 64

// keepTime is how long a connection waits for a call. The worker closes it after
// an hour.
const keepTime = 30 * time.Minute

type keptConnection struct {
	*Connection
	expiry *time.Timer
}

func (k *keptConnection) drop() {
	k.expiry.Stop()
	k.Close()
}

// Take gives a connection to the socket at path, which is the taker's to close or
// to put back, or nil.
func (c *Connections) Take(path string) *Connection {
	if c == nil {
		return nil
	}
	at := inodeOf(path)
	for at != (inode{}) {
		k := c.newest(at)
		if k == nil {
			return nil
		}
		if k.FD.Quiet() {
			k.Path = path
			return k
		}
		k.Close()
	}
	return nil
}

// newest takes the youngest connection to a socket out of kept.
func (c *Connections) newest(at inode) *Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.kept) - 1; i >= 0; i-- {
		if k := c.kept[i]; k.at == at {
			k.expiry.Stop() // one that expires just now isn't in kept any more
			c.kept = slices.Delete(c.kept, i, i+1)
			return k.Connection
		}
	}
	return nil
}

// Put keeps a connection whose call is over. Those that are of no use any more are
// closed, and over MaxKept the eldest.
func (c *Connections) Put(conn *Connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.Close()
		return
	}
	c.kept = slices.DeleteFunc(c.kept, func(k *keptConnection) bool {
		useless := !k.FD.Quiet()
		if useless {
			k.drop()
		}
		return useless
	})
	if len(c.kept) == MaxKept {
		c.kept[0].drop()
		c.kept = slices.Delete(c.kept, 0, 1)
	}
	k := &keptConnection{Connection: conn}
	k.expiry = time.AfterFunc(keepTime, func() { c.expire(k) })
	c.kept = append(c.kept, k)
}

// expire closes a connection, unless it was taken meanwhile.
func (c *Connections) expire(k *keptConnection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.kept, k); i >= 0 {
		c.kept = slices.Delete(c.kept, i, i+1)
		k.Close()
	}
}

// Close closes what is kept, and what will be put later.
func (c *Connections) Close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.kept {
		k.drop()
	}
	c.kept, c.closed = nil, true
}

// Len is how many connections are kept.
func (c *Connections) Len() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.kept)
}
