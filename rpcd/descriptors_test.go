package rpcd

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// sent makes n pipes, sends their writing ends to the server with b, and returns
// the reading ends. No writing end stays open here.
func (d *dialogue) sent(b []byte, n int) (readers []int) {
	d.t.Helper()
	var writers []int
	for range n {
		r, w := pipe(d.t)
		d.t.Cleanup(func() { unix.Close(r) })
		readers, writers = append(readers, r), append(writers, w)
	}
	if err := d.conn.WriteDescriptors(b, writers); err != nil {
		d.t.Fatal(err)
	}
	for _, w := range writers {
		unix.Close(w)
	}
	return readers
}

// ends checks that no process holds the writing end of the pipe r.
func ends(t *testing.T, what string, r int) {
	t.Helper()
	testkit.Within(t, what, func() {
		var b [1]byte
		if n, err := unix.Read(r, b[:]); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	})
}

// A descriptor that comes before the first frame is complete counts as much as a
// connection. Over the bound the eldest connections are refused.
// fault: 18 25
func TestHoardedDescriptors(t *testing.T) {
	s := newServer(t, "any")
	s.connections = limit.NewConnections(30, s.poke)
	var hoards []*dialogue
	var pipes [][]int
	for i := range 4 {
		d := dial(t, s)
		testkit.Within(t, "it is counted", func() { // before the next one, so that their ages differ
			for s.connections.WaitingForFirstCall() < min(i+1, 2) {
				time.Sleep(time.Millisecond)
			}
		})
		hoards, pipes = append(hoards, d), append(pipes, d.sent([]byte{1}, 10))
	}
	// Each connection weighs 11. Only two fit into the bound of 30.
	for _, i := range []int{0, 1} {
		hoards[i].refused(wire.Busy)
		for _, r := range pipes[i] {
			ends(t, "who was turned away lets go", r)
		}
	}
	last := dial(t, s)
	last.running("true")
	last.want(wire.TypeExit)
}

// The server takes only one descriptor of a caller that no rule admits, since a
// PING may carry one.
// fault: 18
func TestStrangersDescriptors(t *testing.T) {
	d := converse(t, "uid 4242")
	for _, r := range d.sent([]byte{1}, 10)[1:] {
		ends(t, "the second descriptor of a stranger", r)
	}
}

// The server closes descriptors that come during a call. One of them might be the
// caller's end of the connection, which then would never close.
// fault: 34
func TestDescriptorsInACall(t *testing.T) {
	d := converse(t, "any")
	d.running("sleep", "1000")
	r := d.sent(wire.Frame(wire.TypeHeartbeat, 0, 0, nil), 1)[0]
	d.dropped()
	ends(t, "a descriptor in a call", r)
}
