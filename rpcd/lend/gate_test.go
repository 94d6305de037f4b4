package lend

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"rpcd/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line is a connection of a test: bytes that come, and interrupts, as a deadline makes
// them.
type line struct {
	mu    sync.Mutex
	moved *sync.Cond
	bytes []byte
	cut   bool // reads fail, as by a deadline
	over  bool
}

func newLine() *line {
	l := &line{}
	l.moved = sync.NewCond(&l.mu)
	return l
}

func (l *line) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	l.moved.Broadcast()
}

func (l *line) interrupt()   { l.set(func() { l.cut = true }) }
func (l *line) uninterrupt() { l.set(func() { l.cut = false }) }
func (l *line) come(b string) {
	l.set(func() { l.bytes = append(l.bytes, b...) })
}

func (l *line) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.cut:
			return 0, os.ErrDeadlineExceeded
		case len(l.bytes) > 0:
			n := copy(p, l.bytes)
			l.bytes = l.bytes[n:]
			return n, nil
		case l.over:
			return 0, io.EOF
		}
		l.moved.Wait()
	}
}

// gated reads a line through a gate.
type gated struct {
	*line
	gate Gate
}

func (g *gated) Read(p []byte) (int, error) { return g.gate.Read(g.line.Read, p) }

// close closes the gate, and opens it after during.
func (g *gated) close(ctx context.Context, during func()) error {
	err := g.gate.close(ctx, g.interrupt)
	if err == nil && during != nil {
		during()
	}
	g.uninterrupt()
	g.gate.open()
	return err
}

// A reader that waits for a frame is held, and reads on afterwards as if nothing had
// been.
func TestGateHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{line: newLine()}
		got := make(chan string, 1)
		go func() {
			r := bufio.NewReader(g)
			if err := g.gate.Await(r); err != nil {
				got <- err.Error()
				return
			}
			b, _ := io.ReadAll(r)
			got <- string(b)
		}()
		synctest.Wait()
		for range 3 {
			if err := g.close(t.Context(), func() { synctest.Wait() }); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.close(t.Context(), func() { g.come("he"); synctest.Wait() }); err != nil {
			t.Fatal(err)
		}
		g.come("llo")
		g.set(func() { g.over = true })
		if text := <-got; text != "hello" {
			t.Errorf("read %q", text)
		}
	})
}

// A reader in the middle of a frame isn't held, and doesn't lose the connection.
// fault: 193
func TestGateInTheMiddleOfAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{line: newLine()}
		got := make(chan error, 1)
		go func() {
			r := bufio.NewReader(g)
			err := g.gate.Await(r)
			if err == nil {
				_, err = io.ReadFull(r, make([]byte, 8))
			}
			got <- err
		}()
		g.come("half")
		synctest.Wait()
		if err := g.close(t.Context(), nil); !errors.Is(err, errHalf) {
			t.Errorf("closed: %v", err)
		}
		synctest.Wait()
		g.come("full")
		if err := <-got; err != nil {
			t.Error(err)
		}
	})
}

// A reader that has left comes no more: the context says so. The gate is open then.
func TestGateWithoutAReader(t *testing.T) {
	g := &gated{line: newLine()}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.close(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	g.come("x")
	if n, err := g.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// A deadline that nobody set for the gate ends the read.
func TestGateLetsDeadlinesThrough(t *testing.T) {
	g := &gated{line: newLine()}
	g.interrupt()
	if _, err := g.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// While the gate is closed nobody reads, however reader, closer and bytes race, and no
// byte is lost. Closers that give up are among them.
func TestGateUnderLoad(t *testing.T) {
	const bytes, gates = 2000, 16
	var all sync.WaitGroup
	for range gates {
		g := &gated{line: newLine()}
		var shut atomic.Bool
		gone, leave := context.WithCancel(t.Context()) // as a call's, whose caller has left
		read := func(p []byte) (int, error) {
			n, err := g.line.Read(p)
			if n > 0 && shut.Load() {
				t.Error("read through a closed gate")
			}
			return n, err
		}
		all.Go(func() {
			r := bufio.NewReader(readFunc(func(p []byte) (int, error) { return g.gate.Read(read, p) }))
			for n := range bytes {
				if err := g.gate.Await(r); err != nil {
					t.Errorf("byte %d: %v", n, err)
					return
				}
				_, _ = r.ReadByte()
			}
			g.set(func() { g.over = true })
			leave()
		})
		all.Go(func() {
			for range bytes {
				g.come("x")
			}
		})
		all.Go(func() {
			for i := 0; !g.isOver(); i++ {
				ctx, cancel := context.WithCancel(t.Context())
				stop := context.AfterFunc(gone, cancel)
				if i%4 == 3 { // it gives up, soon or before
					go cancel()
				}
				_ = g.close(ctx, func() { shut.Store(true); shut.Store(false) })
				stop()
				cancel()
			}
		})
	}
	testkit.Within(t, "readers and closers", all.Wait)
}

func (l *line) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
