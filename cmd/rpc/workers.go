package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"rpcd/client"
)

// answerTime is how long the verbs wait for each worker. They ask all workers
// side by side.
const answerTime = time.Second

// namedOrAll gives the named workers, or all in RPC_DIR when none is named.
func namedOrAll(workers []string) ([]string, error) {
	if len(workers) > 0 {
		return workers, nil
	}
	workers, err := client.Workers()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list workers: %q does not exist (mount the workers' volumes there, or set RPC_DIR)", client.Dir())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list workers: %w", err)
	}
	return workers, nil
}

// completionTicks is how long completion waits for workers, in ticks of a
// millisecond: who types sees no delay up to a twentieth of a second, which has to
// hold the start of rpc, too. A worker answers in less than one.
const completionTicks = 20

// Where processors are scarce a tick comes late, and so do answers. lateTick is when
// it doesn't count, and maxLateTicks bounds how many don't.
const (
	lateTick     = 2 * time.Millisecond
	maxLateTicks = 100
)

// forCompletion gives a context that ends soon.
func forCompletion() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for ticks, late := 0, 0; ticks < completionTicks; {
			began := time.Now()
			time.Sleep(time.Millisecond)
			if time.Since(began) > lateTick && late < maxLateTicks {
				late++
			} else {
				ticks++
			}
		}
		cancel()
	}()
	return ctx, cancel
}

// upWorkers are the workers that answer at once, for completion.
func upWorkers() (names []string) {
	workers, err := client.Workers()
	if err != nil {
		return nil
	}
	ctx, cancel := forCompletion()
	defer cancel()
	up := make([]bool, len(workers))
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() {
			infos, _ := client.Ping(ctx, w, answerTime)
			up[i] = anyUp(infos)
		})
	}
	wg.Wait()
	for i, w := range workers {
		if up[i] {
			names = append(names, w)
		}
	}
	return names
}
