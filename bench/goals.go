package main

import (
	"fmt"

	"rpcd/internal/rig"
)

// goal is a bound that the project promises for one row.
type goal struct {
	section, name string
	figure        func(row) *rig.Summary
	atMost        bool // bound is the greatest good value, else the least
	bound         float64
	text          string // the bound in words, for the table
}

func value(r row) *rig.Summary   { return r.Value }
func vsLocal(r row) *rig.Summary { return r.VsLocal }
func vsOurs(r row) *rig.Summary  { return r.VsOurs }

const peakPrefix = "client's peak: "

// goals are the project's promises about the cost of a call.
var goals = []goal{
	{"latency", floorName, vsOurs, false, 0.74, ">= 0.74 of ours (ours <= 1.35 times the floor)"},
	{"latency", shellName, vsOurs, false, 1.053, ">= 1.053 times ours (ours <= 0.95 of it)"},
	{"latency", s6Name, vsOurs, false, 2.5, ">= 2.5 times ours"},
	{"latency", sshName, vsOurs, false, 6, ">= 6 times ours"},
	{"latency", dockerName, vsOurs, false, 40, ">= 40 times ours"},
	{"throughput", passedName, vsLocal, false, 0.9, ">= 0.9 of local"},
	{"throughput", relayedName, vsLocal, false, 0.45, ">= 0.45 of local"},
	{fmt.Sprintf(rateSection, 64), passedName, vsLocal, false, 0.42, ">= 0.42 of local"},
	{"memory", "rpc on disk", value, true, 3.1, "<= 3.1 MB"},
	{"memory", peakPrefix + passedName, value, true, 1.2, "<= 1.2 MB"},
	{"memory", peakPrefix + relayedName, value, true, 4, "<= 4 MB"},
	{"bridges", turnName(5), value, true, 3, "<= 3 times"},
	{"bridges", "sftp", value, true, 1.5, "<= 1.5 times"},
	{"bridges", "scp", value, true, 1.5, "<= 1.5 times"},
	{"bridges", "sshfs", value, true, 1.5, "<= 1.5 times"},
	{"bridges", "rmt", value, true, 1.5, "<= 1.5 times"},
	{warmSection, warmName, vsLocal, true, 0.01, "<= 0.01 of cold"},
	{warmSection, forkedName, vsLocal, true, 0.03, "<= 0.03 of cold"},
	{arraySection(32), pyobjName, vsOurs, false, 0.25, ">= 0.25 times ours"},
	{arraySection(921_600), connectName, vsLocal, false, 0.25, ">= 0.25 of shared_memory"},
	{arraySection(921_600), pyobjName, vsOurs, false, 6, ">= 6 times ours"},
	{arraySection(921_600), tcpName, vsOurs, false, 2, ">= 2 times ours"},
	{topicSection(32, 1), topicGoName, vsLocal, false, 0.3, ">= 0.3 of libzmq (moonshot: 0.6)"},
	{topicSection(32, 4), topicGoName, vsLocal, false, 0.3, ">= 0.3 of libzmq (moonshot: 0.6)"},
	{topicSection(921_600, 1), topicGoName, vsLocal, false, 3, ">= 3 times libzmq (moonshot: 5)"},
	{topicSection(921_600, 4), topicGoName, vsLocal, false, 3, ">= 3 times libzmq (moonshot: 5)"},
	{topicSection(6_220_800, 4), topicGoName, vsLocal, false, 3, ">= 3 times libzmq (moonshot: 5)"},
	{topicSection(921_600, 1), topicPyobjName, vsOurs, false, 10, ">= 10 times ours (moonshot: 15)"},
	{topicSection(921_600, 4), topicPyobjName, vsOurs, false, 10, ">= 10 times ours (moonshot: 15)"},
	{delaySection(32, 1, delayTail), topicGoName, vsLocal, true, 1, "<= libzmq"},
	{delaySection(32, 4, delayTail), topicGoName, vsLocal, true, 1, "<= libzmq"},
	{delaySection(921_600, 1, delayTail), topicGoName, vsLocal, true, 1, "<= libzmq"},
	{delaySection(921_600, 4, delayTail), topicGoName, vsLocal, true, 1, "<= libzmq"},
	{jobSection, mapSpawnedName, vsLocal, false, 4, ">= 4 times parallel"},
	{jobSection, mapResidentName, vsLocal, false, 15, ">= 15 times parallel"},
}

// The verdicts about a goal.
const (
	met         = "met"
	notMet      = "**not met**"
	notMeasured = "not measured"
)

// judge writes the goals and their verdicts into rows. The median decides.
func judge(rows []row) {
	for i := range rows {
		for _, g := range goals {
			if rows[i].Section == g.section && rows[i].Name == g.name {
				rows[i].Goal, rows[i].Verdict = g.text, g.verdict(rows[i])
			}
		}
	}
}

func (g goal) verdict(r row) string {
	figure := g.figure(r)
	switch {
	case figure == nil || r.Trouble != "":
		return notMeasured
	case g.atMost && figure.Median <= g.bound, !g.atMost && figure.Median >= g.bound:
		return met
	}
	return notMet
}

// shortfalls lists the reasons for which -strict fails: goals that aren't met,
// ways that failed, and our own ways without figures. A peer that isn't
// installed is no such reason.
func shortfalls(rows []row) []string {
	var list []string
	for _, r := range rows {
		switch {
		case r.Verdict == notMet:
			list = append(list, fmt.Sprintf("%s, %s: goal %s", r.Section, r.Name, r.Goal))
		case r.Trouble != "" && (isOurs(r.Name) || isFailure(r.Trouble)):
			list = append(list, fmt.Sprintf("%s, %s: %s", r.Section, r.Name, r.Trouble))
		}
	}
	return list
}
