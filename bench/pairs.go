package main

import (
	"math"
	"slices"
)

// paired divides two figures of the same round, so that both were measured while
// the machine was equally busy. A round that either series lacks is left out: it
// is NaN where a way failed or was stopped.
func paired(over, under []float64) []float64 {
	var ratios []float64
	for i := range min(len(over), len(under)) {
		ratio := over[i] / under[i]
		if !math.IsNaN(ratio) && !math.IsInf(ratio, 0) {
			ratios = append(ratios, ratio)
		}
	}
	return ratios
}

// known returns the values that were measured.
func known(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}
