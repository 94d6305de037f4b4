package main

import (
	"math/rand/v2"
	"syscall"
	"time"
)

// plan makes a random call. kills is the share of callers that are killed, from 0
// to 1.
func plan(r *rand.Rand, id, workers int, kills float64) *call {
	c := &call{spec: spec{id: id, kind: plain}, worker: r.IntN(workers), waitsLong: r.IntN(4) == 0}
	c.route = []route{passed, passed, relayed, relayed, bridged}[r.IntN(5)]
	c.status = []int{0, 0, 0, 1, 2, r.IntN(91), r.IntN(91), 124, 125, 126, 127, 130, 137, 255}[r.IntN(14)]
	c.in, c.out, c.err = size(r), size(r), size(r)
	c.inFile, c.outFile = r.IntN(3) == 0, r.IntN(4) == 0
	c.when = time.Duration(r.IntN(60)) * time.Millisecond
	c.stopped = r.IntN(200) == 0
	switch n := r.IntN(1000); {
	case n < 50:
		c.kind = bulk
		c.in, c.out = int64(r.IntN(3<<20)), int64(r.IntN(3<<20))
	case n < 130:
		c.kind = slow
	case n < 200:
		c.kind = children
	case n < 220:
		c.kind = overtime
		c.deaf = r.IntN(3) == 0
	case n < 260:
		c.kind = signaled
		c.signal = int([]syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}[r.IntN(5)])
	case n < 290:
		c.kind = dies
		c.signal = int([]syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[r.IntN(3)])
	case n < 320:
		c.kind = suicide
		c.signal = int([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT}[r.IntN(3)])
	case n < 340:
		c.kind = unknown
	}
	if r.Float64() < kills {
		c.victim = true
		if r.IntN(2) == 0 {
			c.kind, c.deaf = hold, r.IntN(3) == 0
			c.when = time.Duration(r.IntN(1000)) * time.Millisecond
		}
	}
	if c.kind == signaled || c.kind == dies {
		c.toSignal = syscall.Signal(c.signal)
	}
	if c.waits() {
		c.outFile = false // soak has to see the first bytes as they come
		c.in = 0
	}
	return c
}

// size gives the bytes of a stream: mostly few, often none, and at times more than
// a pipe holds.
func size(r *rand.Rand) int64 {
	switch n := r.IntN(10); {
	case n < 3:
		return 0
	case n < 9:
		return int64(r.IntN(4 << 10))
	}
	return int64(r.IntN(200 << 10))
}
