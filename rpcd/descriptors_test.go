package rpcd

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// sent gives the reading ends of n pipes, whose writing ends are on their way
// to the server with b, and nowhere else.
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

// ends checks that nobody holds the other end of a pipe.
func ends(t *testing.T, what string, r int) {
	t.Helper()
	testkit.Within(t, what, func() {
		var b [1]byte
		if n, err := unix.Read(r, b[:]); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	})
}

// Descriptors that come before a first frame is whole count as connections do.
// fault: 18 25
func TestHoardedDescriptors(t *testing.T) {
	s := newServer(t, "any")
	s.connections = limit.NewConnections(30, s.poke)
	var hoards []*dialogue
	var pipes [][]int
	for i := range 4 {
		d := dial(t, s)
		testkit.Within(t, "it is counted", func() { // the eldest comes first
			for s.connections.WaitingForFirstCall() < min(i+1, 2) {
				time.Sleep(time.Millisecond)
			}
		})
		hoards, pipes = append(hoards, d), append(pipes, d.sent([]byte{1}, 10))
	}
	// Three would weigh 33: two stay.
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

// A caller that may not call brings one descriptor at most: a PING may carry one.
// fault: 18
func TestStrangersDescriptors(t *testing.T) {
	d := converse(t, "uid 4242")
	for _, r := range d.sent([]byte{1}, 10)[1:] {
		ends(t, "the second descriptor of a stranger", r)
	}
}

// In a call there are no descriptors: one may be the caller's own end of its
// connection, by which it would never leave.
// fault: 34
func TestDescriptorsInACall(t *testing.T) {
	d := converse(t, "any")
	d.running("sleep", "1000")
	r := d.sent(wire.Frame(wire.TypeHeartbeat, 0, 0, nil), 1)[0]
	d.dropped()
	ends(t, "a descriptor in a call", r)
}
