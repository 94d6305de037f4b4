package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"rpcd/internal/rig"
)

// sampleRows has a goal that is met, one that isn't, one without figures, and one
// whose way failed.
func sampleRows() []row {
	rows := []row{
		{Section: "latency", Name: localName, Unit: unitTime, Value: &rig.Summary{Median: 0.0004, P10: 0.0003, P90: 0.0005}},
		{Section: "latency", Name: shellName, Unit: unitTime, Value: &rig.Summary{Median: 0.002, P10: 0.001, P90: 0.003}, VsLocal: &rig.Summary{Median: 5.1, P10: 4, P90: 6}, VsOurs: &rig.Summary{Median: 1.2, P10: 1.1, P90: 1.3}},
		{Section: "latency", Name: s6Name, Unit: unitTime, Value: &rig.Summary{Median: 0.0021, P10: 0.001, P90: 0.003}, VsOurs: &rig.Summary{Median: 1.05, P10: 0.9, P90: 1.2}},
		{Section: "latency", Name: dockerName, Trouble: absentPrefix + "no engine | none"},
		{Section: "throughput", Name: relayedName, Unit: unitGiBs, Trouble: failedPrefix + "exit status 125", VsLocal: &rig.Summary{Median: 1, P10: 1, P90: 1}},
	}
	judge(rows)
	return rows
}

func TestJudge(t *testing.T) {
	for i, want := range []string{"", met, notMet, notMeasured, notMeasured} {
		if got := sampleRows()[i].Verdict; got != want {
			t.Errorf("%s: verdict %q, want %q", sampleRows()[i].Name, got, want)
		}
	}
}

func TestGoalsAtTheBound(t *testing.T) {
	for _, g := range goals {
		at := &rig.Summary{Median: g.bound}
		r := row{Section: g.section, Name: g.name, Value: at, VsLocal: at, VsOurs: at}
		if got := g.verdict(r); got != met {
			t.Errorf("%s, %s: %q at the bound itself", g.section, g.name, got)
		}
		beyond := *at
		beyond.Median *= 1.01
		if !g.atMost {
			beyond.Median = g.bound / 1.01
		}
		r = row{Value: &beyond, VsLocal: &beyond, VsOurs: &beyond}
		if got := g.verdict(r); got != notMet {
			t.Errorf("%s, %s: %q beyond the bound", g.section, g.name, got)
		}
	}
}

func TestShortfalls(t *testing.T) {
	got := strings.Join(shortfalls(sampleRows()), "\n")
	want := "latency, s6-sudo: goal >= 2.5 times ours\nthroughput, rpc, --pass none: failed: exit status 125"
	if got != want {
		t.Errorf("shortfalls:\n%s\nwant\n%s", got, want)
	}
	ours := []row{{Section: "latency", Name: passedName, Trouble: absentPrefix + "no bin/rpc"}}
	if len(shortfalls(ours)) != 1 {
		t.Error("a run without rpc passes -strict")
	}
}

func TestTable(t *testing.T) {
	text := table(sampleRows())
	for _, want := range []string{
		"| latency     ", "| 400 µs ", "5.10 (4.00-6.00)", "1.05x (0.90-1.20)", "not measured: no engine / none",
		"\n\n| throughput", "failed: exit status 125",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(block, "\n")
		for _, line := range lines {
			if utf8.RuneCountInString(line) != utf8.RuneCountInString(lines[0]) || strings.Count(line, "|") != strings.Count(lines[0], "|") {
				t.Errorf("not a table: %q under %q", line, lines[0])
			}
		}
	}
	want := fmt.Sprintf("Goals: 1 met, 1 not met, %d not measured.", len(goals)-2)
	if got := (report{Rows: sampleRows()}).String(); !strings.Contains(got, want) {
		t.Errorf("goals are miscounted:\n%s", got)
	}
	if strings.Contains(text, "NaN") {
		t.Errorf("the table shows NaN:\n%s", text)
	}
}

func TestDigits(t *testing.T) {
	for figure, want := range map[float64]string{0: "0", 0.00123: "0.0012", 0.0994: "0.099", 0.0996: "0.10", 0.456: "0.46", 9.994: "9.99", 9.996: "10.0", 99.94: "99.9", 128.4: "128"} {
		if got := digits(figure); got != want {
			t.Errorf("digits(%v) = %q, want %q", figure, got, want)
		}
	}
}

func TestJSONHoldsFiguresAndOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.json")
	o, err := parse([]string{"-quick", "-only", "memory"})
	if err != nil {
		t.Fatal(err)
	}
	if err := (report{Options: o, Rows: sampleRows()}).writeJSON(path); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	var back report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !back.Options.Quick || back.Options.Rounds != 5 || back.Rows[1].VsLocal.Median != 5.1 || back.Rows[2].Verdict != notMet {
		t.Errorf("figures are lost:\n%s", text)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{{"-only", "speed"}, {"-rounds", "0"}, {"-size", "0"}, {"more"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

// What got worse since an earlier run is told, each by its own measure.
func TestWorseThan(t *testing.T) {
	of := func(section, name string, u unit, median float64) row {
		s := &rig.Summary{Median: median}
		return row{Section: section, Name: name, Unit: u, Value: s, VsLocal: s}
	}
	rows := func(factor float64) []row {
		return []row{
			of("latency", passedName, unitTime, 2*factor),
			of("latency", sshName, unitTime, 2*factor),
			of("throughput", relayedName, unitGiBs, 2/factor),
			of("memory", "rpc on disk", unitMB, 3*factor),
		}
	}
	path := filepath.Join(t.TempDir(), "before.json")
	if err := (report{Rows: rows(1)}).writeJSON(path); err != nil {
		t.Fatal(err)
	}
	for factor, want := range map[float64]string{
		1.2: "",
		0.5: "",
		1.5: "latency, rpc, passed: 3.00 of local, was 2.00\nthroughput, rpc, --pass none: 1.33 of local, was 2.00\nmemory, rpc on disk: 4.50 MB, was 3.00",
	} {
		list, err := (report{Rows: rows(factor)}).worseThan(path)
		if got := strings.Join(list, "\n"); got != want || err != nil {
			t.Errorf("%v times as much: %q, %v, want %q", factor, got, err, want)
		}
	}
	if _, err := (report{}).worseThan(path + "x"); err == nil {
		t.Error("no error for a file that isn't there")
	}
}

// Each picture has a line of words for each row that was measured.
func TestWritePlots(t *testing.T) {
	folder := t.TempDir()
	if err := (report{Rows: sampleRows()}).writePlots(folder); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(filepath.Join(folder, "latency.svg"))
	for _, name := range []string{"<svg", localName, shellName, s6Name} {
		if !strings.Contains(string(svg), name) {
			t.Errorf("%v, no %q in it", err, name)
		}
	}
	if strings.Contains(string(svg), dockerName) {
		t.Error("a way without figures is in it")
	}
	if _, err := os.Stat(filepath.Join(folder, "calls.svg")); err == nil {
		t.Error("a picture without rows")
	}
}
