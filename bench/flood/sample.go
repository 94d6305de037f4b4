package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// sampler is the ordinary caller: it runs the binary rpc, which calls true.
type sampler struct {
	ctx context.Context
	rpc string
}

// samples are the calls of one phase. took has the seconds of each that succeeded.
type samples struct {
	took            []float64
	refused, failed int
}

// sampleEvery is the time between two ordinary calls, long enough that they
// are no flood themselves. callLimit bounds one call.
const (
	sampleEvery = 50 * time.Millisecond
	callLimit   = 30 * time.Second
)

// both samples the flooded worker and its neighbour at the same time. If they
// took turns, a slow answer of one would leave fewer calls for the other.
func (s *sampler) both(phase time.Duration, target, other *worker) (t, o samples) {
	var both sync.WaitGroup
	both.Go(func() { t = s.sample(phase, target) })
	both.Go(func() { o = s.sample(phase, other) })
	both.Wait()
	return t, o
}

// sample makes calls to w, one after the other, for the time phase.
func (s *sampler) sample(phase time.Duration, w *worker) (all samples) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for end := time.Now().Add(phase); time.Now().Before(end) && s.ctx.Err() == nil; <-tick.C {
		switch took, status := s.call(w.socket); status {
		case 0:
			all.took = append(all.took, took)
		case 125:
			all.refused++
		default:
			all.failed++
		}
	}
	return all
}

// call makes one call. It returns the seconds from the spawn to the end, and rpc's
// exit status, or -1 if there is none.
func (s *sampler) call(socket string) (float64, int) {
	ctx, cancel := context.WithTimeout(s.ctx, callLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.rpc, "-n", socket, "true")
	cmd.Dir = "/"
	var said strings.Builder
	cmd.Stderr = &said
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began).Seconds()
	if err != nil && cmd.ProcessState.ExitCode() != 125 {
		fmt.Fprintf(os.Stderr, "flood: an ordinary call: %v after %.1f s: %s\n", err, took, said.String())
	}
	if cmd.ProcessState == nil {
		return took, -1
	}
	return took, cmd.ProcessState.ExitCode()
}

// warm makes n calls, one after the other. It fails if one of them does.
func (s *sampler) warm(socket string, n int) error {
	for range n {
		if _, status := s.call(socket); status != 0 {
			return fmt.Errorf("an ordinary call to the idle worker ends with %d", status)
		}
	}
	return nil
}
