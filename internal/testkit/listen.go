package testkit

import (
	"net"
	"sync"
	"testing"
)

// Listen stands in for a worker: it listens on a socket at path until the test
// ends, and has serve answer each connection in a goroutine of its own. A
// connection is closed when serve returns. The test waits for all of them.
func Listen(t testing.TB, path string, serve func(*net.UnixConn)) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { listener.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := listener.AcceptUnix()
			if err != nil {
				return
			}
			all.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
}
