package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// noise is how much worse a ratio may be than in another run. Between machines and
// hours ratios differ by that much.
const noise = 1.25

// worseThan lists our ways whose ratio to a local spawn, or to the other tools, is
// worse than in the report that path holds, and sizes that have grown. Absolute times
// of two runs can't be compared. An empty path gives nothing.
func (r report) worseThan(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var before report
	if err := json.Unmarshal(text, &before); err != nil {
		return nil, fmt.Errorf("%s holds no figures of -json: %w", path, err)
	}
	var list []string
	for _, b := range before.Rows {
		for _, n := range r.Rows {
			if n.Section == b.Section && n.Name == b.Name {
				if w := worse(b, n); w != "" {
					list = append(list, w)
				}
			}
		}
	}
	return list, nil
}

// worse tells a row of ours that is worse now by more than noise; empty: it isn't.
func worse(before, now row) string {
	b, n, what := before.VsLocal, now.VsLocal, "of "+cmp.Or(now.Against, "local")
	switch {
	case isOurs(strings.TrimPrefix(now.Name, peakPrefix)) && now.Section != "memory":
	case now.Section == "memory" && (strings.HasPrefix(now.Name, "rpc") || isOurs(strings.TrimPrefix(now.Name, peakPrefix))):
		b, n, what = before.Value, now.Value, string(now.Unit)
	default:
		return ""
	}
	if b == nil || n == nil || now.Unit.isRate() && n.Median*noise >= b.Median || !now.Unit.isRate() && n.Median <= b.Median*noise {
		return ""
	}
	return fmt.Sprintf("%s, %s: %s %s, was %s", now.Section, now.Name, digits(n.Median), what, digits(b.Median))
}

// ours are our ways.
var ours = []string{passedName, relayedName, bridgedName, warmName, forkedName, connectName, mapSpawnedName, mapResidentName, topicGoName, topicNextName, topicSendName}

func isOurs(name string) bool {
	return slices.Contains(ours, name)
}
