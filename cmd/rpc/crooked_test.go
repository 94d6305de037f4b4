package main_test

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// crooked is a bridge that carries all bytes in their order, and else as it
// likes: it waits, splits what came in one piece and joins what came in many.
func (w *world) crooked(t testing.TB) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("a crooked bridge of seed %d", seed)
	near, far := w.socket, w.dir+"/sock/crooked.sock"
	l, err := net.Listen("unix", far)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for n := uint64(0); ; n++ {
			caller, err := l.Accept()
			if err != nil {
				return
			}
			worker, err := net.Dial("unix", near)
			if err != nil {
				caller.Close()
				continue
			}
			for i, ends := range [][2]net.Conn{{caller, worker}, {worker, caller}} {
				random := rand.New(rand.NewPCG(seed, 2*n+uint64(i)))
				all.Go(func() {
					carry(random, ends[1], ends[0])
					caller.Close() // there is no half-close
					worker.Close()
				})
			}
		}
	})
	w.socket = far
}

// carry copies crookedly until either end closes.
func carry(random *rand.Rand, to io.Writer, from io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		size := 1 + random.IntN(1<<(3+random.IntN(14)))
		if random.IntN(4) == 0 { // joined: what else comes meanwhile goes with it
			time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
		}
		n, err := from.Read(buf[:size])
		for sent := 0; sent < n; {
			piece := min(n-sent, 1+random.IntN(1<<(3+random.IntN(14))))
			if _, werr := to.Write(buf[sent : sent+piece]); werr != nil {
				return
			}
			sent += piece
		}
		if err != nil {
			return
		}
	}
}

// TestCrookedBridge runs rows of every kind over a crooked bridge.
func TestCrookedBridge(t *testing.T) {
	rows := []string{"status each", "the rest of a list", "stdin unread", "an answer before the end", "closed in every combination",
		"50 MB on both at once", "last bytes before the end", "a full pipe before the end", "yes into head", "a trap answers each signal",
		"every byte in an argument", "many arguments", "timeout and a trap", "a caller that is killed", "a reader that never reads"}
	for _, r := range table {
		if !slices.Contains(rows, r.name) {
			continue
		}
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			r.run(t, "crooked")
		})
		rows = slices.DeleteFunc(rows, func(name string) bool { return name == r.name })
	}
	if len(rows) > 0 {
		t.Errorf("there are no rows %q", rows)
	}
}
