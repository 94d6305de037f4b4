package main

import (
	"fmt"
	"math"

	"rpcd/internal/rig"
)

// unit is the unit of a figure. A greater rate is better; of the other units
// less is better.
type unit string

const (
	unitTime  unit = "s"
	unitGiBs  unit = "GiB/s"
	unitRate  unit = "calls/s"
	unitMB    unit = "MB" // 10^6 bytes
	unitCount unit = ""
	unitTimes unit = "x" // a ratio within a round
)

func (u unit) isRate() bool { return u == unitGiBs || u == unitRate }

// row is one line of a table: the figures of one way.
type row struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Detail  string `json:"detail,omitempty"`
	Unit    unit   `json:"unit"`

	Figures []float64    `json:"figures,omitempty"` // one for each round, in Unit
	Value   *rig.Summary `json:"value,omitempty"`   // of Figures

	Against string `json:"yardstick,omitempty"` // what VsLocal is a ratio to; empty: a local spawn

	// VsLocal is this figure divided by the yardstick's of the same round. VsOurs
	// is how many times slower this way was than our passed call in that round.
	VsLocal *rig.Summary `json:"ratio_to_local,omitempty"`
	VsOurs  *rig.Summary `json:"times_slower_than_ours,omitempty"`

	Trouble string `json:"trouble,omitempty"` // why there are no figures
	Goal    string `json:"goal,omitempty"`
	Verdict string `json:"verdict,omitempty"`
}

// compare makes the rows of one section. It compares each way with the yardstick
// and with ours, round by round.
func compare(section string, all []series, yardstick, ours string, u unit) []row {
	rows := make([]row, 0, len(all))
	local, passed := find(all, yardstick), find(all, ours)
	for _, s := range all {
		r := row{Section: section, Name: s.way.name, Unit: u, Trouble: s.way.trouble()}
		r.setSeries(s.figures)
		if s.way.name != yardstick {
			r.VsLocal = ratio(s.figures, local)
		}
		if s.way.name != ours && u.isRate() {
			r.VsOurs = ratio(passed, s.figures)
		} else if s.way.name != ours {
			r.VsOurs = ratio(s.figures, passed)
		}
		rows = append(rows, r)
	}
	return rows
}

// against names the yardstick of rows, where it is no local spawn.
func against(yardstick string, rows []row) []row {
	for i := range rows {
		rows[i].Against = yardstick
	}
	return rows
}

// plain makes a row of one figure, without a comparison.
func plain(section, name string, u unit, read func() (float64, error)) row {
	r := row{Section: section, Name: name, Unit: u}
	figure, err := read()
	if err != nil {
		r.Trouble = absentPrefix + err.Error()
		return r
	}
	r.setSeries([]float64{figure})
	return r
}

// setSeries sets the figures of the rounds that were measured. Without any, r has
// no value.
func (r *row) setSeries(figures []float64) {
	r.Figures = known(figures)
	if len(r.Figures) > 0 {
		value := rig.Summarize(r.Figures)
		r.Value = &value
	}
}

// ratio summarizes the ratios that paired gives. It returns nil if there are none.
func ratio(over, under []float64) *rig.Summary {
	ratios := paired(over, under)
	if len(ratios) == 0 {
		return nil
	}
	s := rig.Summarize(ratios)
	return &s
}

// measure formats a figure of unit u for people.
func measure(u unit, figure float64) string {
	switch {
	case math.IsNaN(figure):
		return ""
	case u == unitTime && figure < 0.01:
		return fmt.Sprintf("%.0f µs", figure*1e6)
	case u == unitTime:
		return fmt.Sprintf("%.1f ms", figure*1e3)
	case u == unitRate:
		return fmt.Sprintf("%.0f/s", figure)
	case u == unitCount:
		return fmt.Sprintf("%.0f", figure)
	case u == unitTimes:
		return digits(figure) + "x"
	}
	return fmt.Sprintf("%.2f %s", figure, u)
}
