package replica

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/talk"
)

// listen accepts connections at path, and sends them to the channel.
func listen(t *testing.T, path string) <-chan *net.UnixConn {
	t.Helper()
	accepted := make(chan *net.UnixConn, 1000)
	testkit.Listen(t, path, func(c *net.UnixConn) {
		accepted <- c
		_, _ = c.Read(make([]byte, 1)) // returns when either side closes
	})
	return accepted
}

func connect(t *testing.T, path string) *Connection {
	t.Helper()
	c, err := Connect(t.Context(), "w", path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTakeGivesWhatWasPut(t *testing.T) {
	path := filepath.Join(testkit.Folder(t), "w.sock")
	listen(t, path)
	var c Connections
	defer c.Close()
	if c.Take(path) != nil || (*Connections)(nil).Take(path) != nil {
		t.Error("a connection out of nothing")
	}
	a, b := connect(t, path), connect(t, path)
	c.Put(a)
	c.Put(b)
	if got := c.Take(path + "x"); got != nil {
		t.Error("a connection to a socket that isn't there")
	}
	if c.Take(path) != b || c.Take(path) != a || c.Take(path) != nil || c.Len() != 0 {
		t.Error("not the newest first, or not each once")
	}
	a.Close()
	b.Close()
}

// Take gives no connection that the worker has closed, or on which it has sent
// bytes.
func TestTakeLooksAtTheConnection(t *testing.T) {
	path := filepath.Join(testkit.Folder(t), "w.sock")
	accepted := listen(t, path)
	var c Connections
	defer c.Close()
	for _, spoil := range []func(*net.UnixConn){
		func(server *net.UnixConn) { server.Close() },
		func(server *net.UnixConn) { _, _ = server.Write([]byte{0}) },
	} {
		conn := connect(t, path)
		c.Put(conn)
		spoil(<-accepted)
		if !testkit.Eventually(t, "it shows", func() bool { return !conn.FD.Quiet() }) {
			return
		}
		if got := c.Take(path); got != nil {
			got.Close()
			t.Error("it was given out")
		}
		if c.Len() != 0 {
			t.Error("it is still kept")
		}
	}
}

// Put closes kept connections that can no longer be used.
func TestPutDropsTheDead(t *testing.T) {
	folder := testkit.Folder(t)
	gone, there := filepath.Join(folder, "gone.sock"), filepath.Join(folder, "there.sock")
	accepted := listen(t, gone)
	listen(t, there)
	var c Connections
	defer c.Close()
	dead := connect(t, gone)
	c.Put(dead)
	(<-accepted).Close()
	if !testkit.Eventually(t, "it shows", func() bool { return !dead.FD.Quiet() }) {
		return
	}
	c.Put(connect(t, there))
	if n := c.Len(); n != 1 {
		t.Errorf("%d connections are kept", n)
	}
}

// A restarted worker has another socket at the same path. Take gives no connection
// to the old one.
func TestTakeTellsSocketsApart(t *testing.T) {
	folder := testkit.Folder(t)
	path, old := filepath.Join(folder, "w.sock"), filepath.Join(folder, "old.sock")
	listen(t, path)
	var c Connections
	defer c.Close()
	c.Put(connect(t, path))
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	listen(t, path)
	if c.Take(path) != nil {
		t.Error("the old worker's connection was given out for the new one")
	}
	got := c.Take(old)
	if got == nil || got.Path != old {
		t.Fatalf("%v", got)
	}
	got.Close()
}

func TestConnectionsHaveBounds(t *testing.T) {
	path := filepath.Join(testkit.Folder(t), "w.sock")
	listen(t, path)
	count := func() int {
		u, err := proc.Look(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		return u.Descriptors
	}
	connect(t, path).Close() // lets Go's poller open its descriptors
	before := count()
	var c Connections
	for range 2 * MaxKept {
		c.Put(connect(t, path))
	}
	if c.Len() != MaxKept {
		t.Errorf("%d connections are kept", c.Len())
	}
	c.Close()
	late := connect(t, path)
	c.Put(late)
	if c.Len() != 0 || c.Take(path) != nil {
		t.Error("something is kept after Close")
	}
	testkit.Eventually(t, "all descriptors are closed", func() bool { return count() <= before })
}

// A connection that isn't taken for a while is closed before the worker closes it.
func TestConnectionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, err := fdconn.Pair()
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var c Connections
		c.Put(&Connection{Conn: talk.NewConn(b), FD: b})
		time.Sleep(keepTime - time.Second)
		synctest.Wait()
		if c.Len() != 1 || !a.Quiet() {
			t.Error("it is closed too early")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if c.Len() != 0 || a.Quiet() {
			t.Error("it isn't closed")
		}
	})
}
