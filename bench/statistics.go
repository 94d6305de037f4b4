package main

import (
	"math"
	"slices"
)

// summary is what a report shows of a series: its middle and its spread, in
// the unit of the series.
type summary struct {
	Median float64 `json:"median"`
	P10    float64 `json:"p10"`
	P90    float64 `json:"p90"`
}

// summarize returns the median and the 10th and 90th percentile of values;
// all are NaN for an empty series.
func summarize(values []float64) summary {
	return summary{quantile(values, 0.5), quantile(values, 0.1), quantile(values, 0.9)}
}

// quantile interpolates linearly between the two nearest ranks, as numpy and
// R (type 7) do by default; NaN for an empty series. values stay as they are.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := q * float64(len(sorted)-1)
	below := int(math.Floor(rank))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (rank-float64(below))*(sorted[above]-sorted[below])
}

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
