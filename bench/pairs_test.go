package main

import (
	"math"
	"slices"
	"testing"

	"rpcd/internal/rig"
)

// paired divides round by round. The median of these ratios differs from the
// ratio of the two medians.
func TestPairedKeepsRounds(t *testing.T) {
	local := []float64{1, 10, 2}
	ours := []float64{3, 20, 8}
	got := paired(ours, local)
	if want := []float64{3, 2, 4}; !slices.Equal(got, want) {
		t.Errorf("paired = %v, want %v", got, want)
	}
	if median := rig.Summarize(got).Median; median != 3 {
		t.Errorf("median ratio = %v, want 3 (the ratio of medians would be 4)", median)
	}
}

func TestPairedLeavesOutWhatIsMissing(t *testing.T) {
	got := paired([]float64{2, math.NaN(), 9, 8}, []float64{1, 1, 0})
	if want := []float64{2}; !slices.Equal(got, want) {
		t.Errorf("paired = %v, want %v", got, want)
	}
}

func TestCompareTurnsRatesRound(t *testing.T) {
	all := []series{
		{&way{name: localName}, []float64{2, 4}},
		{&way{name: passedName}, []float64{1, 2}},
		{&way{name: sshName}, []float64{0.1, 0.2}},
		{missing(s6Name, "no s6"), []float64{math.NaN(), math.NaN()}},
	}
	times, rates := compare("s", all, localName, passedName, unitTime), compare("s", all, localName, passedName, unitRate)
	if got := times[2].VsOurs.Median; math.Abs(got-0.1) > 1e-9 {
		t.Errorf("a tenth of our time is %v times slower, want 0.1", got)
	}
	if got := rates[2].VsOurs.Median; math.Abs(got-10) > 1e-9 {
		t.Errorf("a tenth of our rate is %v times slower, want 10", got)
	}
	if got := rates[1].VsLocal.Median; got != 0.5 {
		t.Errorf("half of the local rate is %v, want 0.5", got)
	}
	if rates[0].VsLocal != nil || rates[1].VsOurs != nil {
		t.Error("the yardsticks are compared with themselves")
	}
	if r := rates[3]; r.Value != nil || r.VsOurs != nil || r.Trouble != "not measured: no s6" {
		t.Errorf("an absent way has figures or no reason: %+v", r)
	}
}
