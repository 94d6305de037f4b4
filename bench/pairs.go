package main

import (
	"math"
	"slices"
)

// paired divides the figures of two series round by round, since the machine was
// equally busy for both figures of a round. It leaves out a round in which
// either figure is NaN, because a way failed or was stopped.
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
