package main

import (
	"context"
	"maps"
	"sync"
	"syscall"
	"time"
)

// stallLimit is the longest time in which no measured process ends. After it the
// running ones are killed, and their way counts as failed. The limit is enough
// for a GiB through ssh on a busy machine.
const stallLimit = 2 * time.Minute

// guard knows the measured processes that run. It kills them when they stall,
// and when bench has to end.
type guard struct {
	mutex   sync.Mutex
	running map[int]struct{}
	ended   int  // processes that ended; a number that doesn't grow means a stall
	over    bool // bench has to end: add kills a new process at once

	stop chan struct{}
	done chan struct{}
}

func newGuard(ctx context.Context) *guard {
	g := &guard{running: map[int]struct{}{}, stop: make(chan struct{}), done: make(chan struct{})}
	go g.watch(ctx)
	return g
}

func (g *guard) add(pid int) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.running[pid] = struct{}{}
	if g.over {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// remove forgets pid right after it was reaped. Until then no other process can
// have the number, unless the kernel has used up all others.
func (g *guard) remove(pid int) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.running, pid)
	g.ended++
}

// watch looks for a stall only every five seconds, so that it doesn't slow the
// measured processes.
func (g *guard) watch(ctx context.Context) {
	defer close(g.done)
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	seen, since := 0, time.Now()
	for {
		select {
		case <-g.stop:
			return
		case <-ctx.Done():
			g.kill(true)
			ctx = context.Background() // never done: kill(true) runs once
		case now := <-ticker.C:
			if ended, idle := g.look(); ended != seen || idle {
				seen, since = ended, now
			} else if now.Sub(since) > stallLimit {
				g.kill(false)
			}
		}
	}
}

// look returns how many processes have ended so far, and whether none runs.
func (g *guard) look() (ended int, idle bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.ended, len(g.running) == 0
}

func (g *guard) kill(over bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.over = g.over || over
	for pid := range maps.Keys(g.running) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (g *guard) close() {
	close(g.stop)
	<-g.done
}
