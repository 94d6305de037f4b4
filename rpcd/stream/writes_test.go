package stream

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// written is what a procedure has written.
type written struct {
	mu    sync.Mutex
	all   []byte
	whole []bool // this byte and the one before are of one write of up to PIPE_BUF
}

// note takes b, which is about to be written.
func (w *written) note(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, b...)
	for i := range b {
		w.whole = append(w.whole, i > 0 && len(b) <= wire.PipeBuf)
	}
}

// check checks the payload of a frame that begins at a place.
func (w *written) check(at int, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := at + len(payload)
	if end > len(w.all) || !bytes.Equal(payload, w.all[at:end]) {
		return fmt.Errorf("other bytes at %d", at)
	}
	for ; at < end; at += wire.PipeBuf {
		if w.whole[at] {
			return fmt.Errorf("a frame of %d bytes cuts a write, at %d before its end", len(payload), end-at)
		}
	}
	return nil
}

// random gives a write: small, any up to PIPE_BUF, all of that, or more.
func random(rnd *rand.Rand, lines bool) []byte {
	n := 1 + rnd.IntN(wire.PipeBuf)
	switch rnd.IntN(8) {
	case 0:
		n = wire.PipeBuf
	case 1:
		n = wire.PipeBuf * (1 + rnd.IntN(20))
	case 2:
		n = 1 + rnd.IntN(100_000)
	case 3, 4:
		n = 1 + rnd.IntN(200)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
		if lines && (b[i] == '\n' || i%wire.PipeBuf == wire.PipeBuf-1) {
			b[i] = ' '
		}
	}
	if lines {
		b[n-1] = '\n'
	}
	return b
}

// Where a frame may be cut, a write of the procedure ended. With the kernel's pipes
// that holds for all writes up to PIPE_BUF; else for lines.
func TestWritesStayWhole(t *testing.T) {
	for _, c := range []struct {
		window uint32
		lines  bool
	}{{leastWindow, false}, {40_000, false}, {512 << 10, false}, {2 * pipeSize, true}, {512 << 10, true}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			o := newTestOutput(t, c.window)
			o.passage.useless = c.lines
			var w written
			go func() {
				defer o.w.Close()
				rnd := rand.New(rand.NewPCG(uint64(c.window), 1))
				for range 1000 {
					b := random(rnd, c.lines)
					if c.lines {
						b = b[:min(len(b), wire.PipeBuf)]
						b[len(b)-1] = '\n'
					}
					w.note(b)
					if _, err := o.w.Write(b); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			go o.run()
			at, owed, credit := 0, 0, int(c.window)
			for {
				b := o.payload()
				if len(b) == 0 {
					break
				}
				if err := w.check(at, b); err != nil {
					t.Fatal(err)
				}
				at += len(b)
				if credit -= len(b); credit < 0 {
					t.Fatalf("a frame of %d bytes is %d over the credit", len(b), -credit)
				}
				if owed += len(b); owed >= int(c.window/4) { // as a caller grants
					o.grant(uint32(owed))
					credit, owed = credit+owed, 0
				}
			}
			if at != len(w.all) {
				t.Errorf("%d bytes came of %d", at, len(w.all))
			}
			o.wantEnd(false)
		})
	}
}

// What lay in the pipe at the procedure's end keeps its writes, too.
func TestWritesStayWholeAtTheEnd(t *testing.T) {
	o := newTestOutput(t, 512<<10)
	rnd := rand.New(rand.NewPCG(3, 4))
	var w written
	for sum := 0; sum < 30_000; {
		b := random(rnd, false)
		b = b[:min(len(b), 3000)]
		w.note(b)
		o.writeBytes(b)
		sum += len(b)
	}
	o.finish()
	go o.run()
	for at := 0; at < len(w.all); {
		b := o.payload()
		if err := w.check(at, b); err != nil {
			t.Fatal(err)
		}
		at += len(b)
	}
	o.w.Close()
	o.want(0)
}

func (o *testOutput) writeBytes(b []byte) {
	o.t.Helper()
	if _, err := o.w.Write(b); err != nil {
		o.t.Fatal(err)
	}
}

// A passage has whole buffers, tells full ones, and gives up where there is none.
func TestPassage(t *testing.T) {
	o := newTestOutput(t, 0)
	if !o.passage.usable() {
		t.Fatal("this kernel doesn't keep writes apart")
	}
	defer o.passage.close()
	empty := func(r *row) { _, _ = unix.Read(r.ends[0], make([]byte, pipeSize)) }
	for _, c := range []struct {
		writes []int
		most   int
		n      int
		full   bool
	}{
		{[]int{4096, 4096, 4096, 4096}, pipeSize, 4 * 4096, false}, // there is room for more
		{[]int{4096, 4096, 4096, 4096}, 4 * 4096, 4 * 4096, true},
		{[]int{4096, 4096, 4096, 4096}, 4*4096 + 4095, 4 * 4096, true},
		{[]int{16384}, 4 * 4096, 4 * 4096, true},
		{[]int{3000, 3000}, 6000, 3000, false},
		{[]int{3000, 3000, 3000}, 9000, 6000, false},
		{[]int{1000, 1000, 1000, 1000, 1000}, 5000, 4000, false},
		{[]int{2048, 2048, 2048}, 6144, 4096, true},
		{[]int{4096, 1, 4096}, 8193, 4097, false},
	} {
		for _, n := range c.writes {
			o.write(n)
		}
		row, n, full := o.passage.take(o.pipe, c.most)
		if n != c.n || full != c.full {
			t.Errorf("%v: %d bytes, full %v, want %d and %v", c.writes, n, full, c.n, c.full)
		}
		empty(row)
		_, _ = readNow(o.pipe, make([]byte, pipeSize))
	}
	if _, n, full := o.passage.take(o.pipe, pipeSize); n != 0 || full || o.passage.useless {
		t.Errorf("%d bytes of an empty pipe", n)
	}
	o.w.Close()
	if _, n, _ := o.passage.take(o.pipe, pipeSize); n != 0 || o.passage.useless {
		t.Errorf("%d bytes of an ended pipe", n)
	}
	testkit.Within(t, "the end", func() { _, _ = awaitUnread(o.pipe) })
}
