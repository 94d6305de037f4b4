package rig

import (
	"math"
	"slices"
)

// Summary is what a report shows of a series: its middle and its spread, both in
// the unit of the series.
type Summary struct {
	Median float64 `json:"median"`
	P10    float64 `json:"p10"`
	P90    float64 `json:"p90"`
}

// Summarize returns the median and the 10th and 90th percentile of values;
// all are NaN for an empty series.
func Summarize(values []float64) Summary {
	return Summary{Quantile(values, 0.5), Quantile(values, 0.1), Quantile(values, 0.9)}
}

// Quantile interpolates linearly between the two nearest ranks, as numpy and
// R (type 7) do by default; NaN for an empty series. values stay as they are.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := q * float64(len(sorted)-1)
	below := int(math.Floor(rank))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (rank-float64(below))*(sorted[above]-sorted[below])
}
