package main

import (
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

// settleTime is the pause after each way's turn, so that work left over from it
// doesn't slow the next way. A container engine, for example, still cleans up
// after docker exec has returned.
const settleTime = 20 * time.Millisecond

// series are the figures of one way, one for each round. A round in which the way
// was left out has NaN.
type series struct {
	way     *way
	figures []float64
}

// inTurns measures every usable way once in each round. The order differs from
// round to round, so that a busy machine slows all ways alike. A way that fails
// is left out from then on. inTurns ends early if st.ctx does.
func inTurns(st *stage, ways []*way, rounds int, measure func(*way) (float64, error)) []series {
	all := make([]series, len(ways))
	for i, w := range ways {
		all[i] = series{w, make([]float64, rounds)}
	}
	order := rand.New(rand.NewPCG(1, 2)) // a fixed seed: every run has the same orders
	for round := range rounds {
		for _, i := range order.Perm(len(ways)) {
			all[i].figures[round] = math.NaN()
			if !ways[i].usable() || st.ctx.Err() != nil {
				continue
			}
			runtime.GC() // never during a call: main has turned automatic collection off
			figure, err := measure(ways[i])
			if err == nil {
				all[i].figures[round] = figure
			} else if st.ctx.Err() == nil {
				ways[i].failed = err.Error()
			}
			time.Sleep(settleTime)
		}
	}
	return all
}

// find returns the figures of the way called name, or nil.
func find(all []series, name string) []float64 {
	for _, s := range all {
		if s.way.name == name {
			return s.figures
		}
	}
	return nil
}
