package main

import (
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

// settleTime passes after each way's turn, so that the next way isn't slowed by
// what is left to do: a container engine reaps long after docker exec has
// returned.
const settleTime = 20 * time.Millisecond

// series is what one way showed, a figure a round; NaN where it was left out.
type series struct {
	way     *way
	figures []float64
}

// inTurns measures every usable way once in each round, in another order each
// time: a machine that gets busy slows all of them alike. A way that fails is
// left out from then on. It ends early when st.ctx does.
func inTurns(st *stage, ways []*way, rounds int, measure func(*way) (float64, error)) []series {
	all := make([]series, len(ways))
	for i, w := range ways {
		all[i] = series{w, make([]float64, rounds)}
	}
	order := rand.New(rand.NewPCG(1, 2)) // the same in every run
	for round := range rounds {
		for _, i := range order.Perm(len(ways)) {
			all[i].figures[round] = math.NaN()
			if !ways[i].usable() || st.ctx.Err() != nil {
				continue
			}
			runtime.GC() // here, so that it never falls into a call: main turned it off
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
