package main

import (
	"math"
	"slices"
)

// paired divides what was measured in the same round. Rounds that either
// series lacks (NaN: that way failed or was stopped) are left out, so that the
// noise of one round never meets the quiet of another.
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
