package lend

import (
	"bufio"
	"context"
	"errors"
	"os"
	"sync/atomic"
)

// Gate holds the goroutine that reads a connection, while somebody else reads it. The
// zero value is open.
type Gate struct {
	hold    atomic.Pointer[hold]
	times   atomic.Uint64 // it was closed
	between bool          // the reader has nothing of the next frame; for it alone
}

type hold struct {
	came   chan bool     // the reader waits; true: it has nothing of the next frame
	resume chan struct{} // closed: it goes on
}

// errHalf says that the reader is in the middle of a frame.
var errHalf = errors.New("half a frame")

// Await waits for the first byte of a frame, which r has read by Read. Who wants to
// read instead may do so meanwhile.
func (g *Gate) Await(r *bufio.Reader) error {
	g.between = true
	defer func() { g.between = false }()
	_, err := r.Peek(1)
	return err
}

// Read is read, but for the time in which somebody else reads. A read that was
// interrupted for that is done again.
func (g *Gate) Read(read func([]byte) (int, error), p []byte) (int, error) {
	for {
		times := g.times.Load() // before the look: what it misses counts after the read
		if h := g.hold.Load(); h != nil {
			h.came <- g.between
			<-h.resume
		}
		n, err := read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || g.times.Load() == times {
			return n, err
		}
	}
}

// close waits until the reader has come, with nothing of a frame. interrupt has a read
// fail that waits. The caller calls open then, in any case. The error is ctx's, since
// the reader may have left for good, or errHalf.
func (g *Gate) close(ctx context.Context, interrupt func()) error {
	h := &hold{make(chan bool, 1), make(chan struct{})}
	g.hold.Store(h)
	g.times.Add(1)
	interrupt()
	select {
	case between := <-h.came:
		if !between {
			return errHalf
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *Gate) open() { close(g.hold.Swap(nil).resume) }
