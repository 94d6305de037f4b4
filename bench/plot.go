package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// plots are the pictures of a report: FILE.svg shows the medians of a section, with a
// bar from the 10th to the 90th percentile.
var plots = []struct {
	file, section, title, axis string
	factor                     float64 // from the section's unit to the axis's
	logarithmic                bool
}{
	{"latency", "latency", "A call that runs `true`: time (less is better)", "ms, logarithmic", 1e3, true},
	{"calls", fmt.Sprintf(rateSection, 64), "64 callers at once (more is better)", "calls/s", 1, false},
	{"warm", warmSection, "A call that needs NumPy: time (less is better)", "ms, logarithmic", 1e3, true},
	{"arrays-32", arraySection(32), "32 B there and back (more is better)", "exchanges/s, logarithmic", 1, true},
	{"arrays-921600", arraySection(921_600), "An array of 640x480x3 there and back (more is better)", "exchanges/s, logarithmic", 1, true},
	{"arrays-6220800", arraySection(6_220_800), "An array of 1920x1080x3 there and back (more is better)", "exchanges/s, logarithmic", 1, true},
	{"map", jobSection, "A job a line (more is better)", "jobs/s, logarithmic", 1, true},
	{"topics-32-1", topicSection(32, 1), "Records of 32 B to 1 subscriber (more is better)", "records/s, logarithmic", 1, true},
	{"topics-32-4", topicSection(32, 4), "Records of 32 B to 4 subscribers (more is better)", "records/s, logarithmic", 1, true},
	{"topics-921600-1", topicSection(921_600, 1), "Frames of 640x480x3 to 1 subscriber (more is better)", "frames/s, logarithmic", 1, true},
	{"topics-921600-4", topicSection(921_600, 4), "Frames of 640x480x3 to 4 subscribers (more is better)", "frames/s, logarithmic", 1, true},
	{"topics-6220800-1", topicSection(6_220_800, 1), "Frames of 1920x1080x3 to 1 subscriber (more is better)", "frames/s, logarithmic", 1, true},
	{"topics-6220800-4", topicSection(6_220_800, 4), "Frames of 1920x1080x3 to 4 subscribers (more is better)", "frames/s, logarithmic", 1, true},
	{"delay-32", delaySection(32, 4, delayTail), "Records of 32 B to 4 subscribers: delay, 99th percentile (less is better)", "ms, logarithmic", 1e3, true},
	{"delay-921600", delaySection(921_600, 4, delayTail), "Frames of 640x480x3 to 4 subscribers: delay, 99th percentile (less is better)", "ms, logarithmic", 1e3, true},
}

// inPlots are the rows that pictures have, from top to bottom.
var inPlots = []string{
	localName, shellName, floorName, passedName, relayedName, bridgedName, s6Name, sshName, dockerName,
	warmName, forkedName, coldName, coldRPCName,
	sharedName, connectName, pyobjName, zmqArrayName, tcpName,
	mapSpawnedName, mapResidentName, parallelName, xargsName,
	topicGoName, topicZMQName, topicSharedName, topicNextName, topicSendName, topicArrayName, topicPyobjName,
}

// writePlots writes the pictures of those sections that were measured into a folder.
func (r report) writePlots(folder string) error {
	for _, p := range plots {
		var rows []row
		for _, row := range r.Rows {
			if row.Section == p.section && row.Value != nil && row.Trouble == "" && slices.Contains(inPlots, row.Name) {
				rows = append(rows, row)
			}
		}
		if len(rows) == 0 {
			continue
		}
		chart, err := draft(rows, p.factor)
		if err != nil {
			return err
		}
		chart.Title.Text, chart.X.Label.Text = p.title, p.axis
		chart.X.Max *= margin
		if chart.X.Min /= margin; p.logarithmic {
			chart.X.Scale, chart.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		} else {
			chart.X.Min = 0
		}
		if err := save(chart, len(rows), filepath.Join(folder, p.file+".svg")); err != nil {
			return err
		}
	}
	return nil
}

// margin is the room beside the outermost points.
const margin = 1.15

// spans are points with bars beside them, as plotter.NewXErrorBars wants them.
type spans struct {
	plotter.XYs
	plotter.XErrors
}

// draft draws each row as a point on a line of its own. Ours are dark.
func draft(rows []row, factor float64) (*plot.Plot, error) {
	slices.SortStableFunc(rows, func(a, b row) int { return slices.Index(inPlots, b.Name) - slices.Index(inPlots, a.Name) })
	plot.DefaultFont.Variant = "Sans"
	chart := plot.New()
	chart.Add(plotter.NewGrid())
	var names []string
	for i, r := range rows {
		names = append(names, strings.Replace(r.Name, floorName, "C, the floor", 1))
		v := *r.Value
		point := spans{plotter.XYs{{X: v.Median * factor, Y: float64(i)}}, plotter.XErrors{{Low: (v.P10 - v.Median) * factor, High: (v.P90 - v.Median) * factor}}}
		bars, err := plotter.NewXErrorBars(point)
		if err != nil {
			return nil, err
		}
		dots, err := plotter.NewScatter(point.XYs)
		if err != nil {
			return nil, err
		}
		ink := color.Gray{0x90}
		if isOurs(r.Name) {
			ink = color.Gray{0x20}
		}
		bars.Color, dots.GlyphStyle = ink, draw.GlyphStyle{Color: ink, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
		chart.Add(bars, dots)
	}
	chart.NominalY(names...)
	chart.Y.Min, chart.Y.Max = -0.5, float64(len(rows))-0.5
	return chart, nil
}

// save writes a picture. Its words are placed by the widths of a font that not everybody
// has, and Arial is as wide.
func save(chart *plot.Plot, lines int, path string) error {
	canvas := vgsvg.NewWith(vgsvg.UseWH(17*vg.Centimeter, vg.Length(lines)*0.7*vg.Centimeter+2*vg.Centimeter))
	chart.Draw(draw.New(canvas))
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	svg := bytes.ReplaceAll(text.Bytes(), []byte("Liberation Sans"), []byte("Liberation Sans,Arial,Helvetica,sans-serif"))
	return os.WriteFile(path, svg, 0o644)
}
