package replica

import (
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// Only what is sure makes a bridge: no descriptor arrived, or somebody accepts
// and closes twice.
func TestIsBridged(t *testing.T) {
	pong := func(w *wire.Way) func(*net.UnixConn, int) {
		return func(c *net.UnixConn, _ int) {
			_, _ = c.Write((&wire.Info{State: wire.Up, Way: w}).Append(wire.TypePong))
		}
	}
	for _, r := range []struct {
		name   string
		answer func(c *net.UnixConn, asked int)
		want   bool
	}{
		{"a bridge to a worker", pong(&wire.Way{}), true},
		{"a worker", pong(&wire.Way{Descriptors: 1}), false},
		{"a worker that doesn't say", pong(nil), false},
		{"a bridge to nowhere", func(*net.UnixConn, int) {}, true},
		{"a refusal", func(c *net.UnixConn, _ int) { _, _ = c.Write((&wire.Refused{Code: wire.Busy}).Append()) }, false},
		{"half an answer", func(c *net.UnixConn, _ int) { _, _ = c.Write([]byte{byte(wire.TypePong)}) }, false},
		{"a worker that came back", func(c *net.UnixConn, asked int) {
			if asked > 1 {
				pong(&wire.Way{Descriptors: 1})(c, asked)
			}
		}, false},
		{"silence", func(c *net.UnixConn, _ int) { _, _ = wire.ReadHeader(c) }, false},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(testkit.Folder(t), "w.sock")
			var asked atomic.Int32
			testkit.Listen(t, path, func(c *net.UnixConn) {
				if h, err := wire.ReadHeader(c); err == nil && h.Type == wire.TypePing {
					_, _ = wire.ReadPayload(c, h)
					r.answer(c, int(asked.Add(1)))
				}
			})
			c := connect(t, path)
			defer c.Close()
			if got := c.IsBridged(t.Context()); got != r.want {
				t.Errorf("%v, want %v", got, r.want)
			}
		})
	}
}

// A worker that has died refuses, and another socket in its place says nothing of
// it.
func TestIsBridgedElsewhere(t *testing.T) {
	path := filepath.Join(testkit.Folder(t), "w.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	c := connect(t, path)
	defer c.Close()
	listener.Close()
	if c.IsBridged(t.Context()) {
		t.Error("nobody listens")
	}
	if err := os.Rename(path, path+".old"); err != nil { // it keeps its inode from the next
		t.Fatal(err)
	}
	if c.IsBridged(t.Context()) {
		t.Error("nothing is there")
	}
	testkit.Listen(t, path, func(*net.UnixConn) {})
	if c.IsBridged(t.Context()) {
		t.Error("another socket")
	}
}
