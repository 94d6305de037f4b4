package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"rpcd/client"
	"rpcd/internal/printable"
	"rpcd/internal/reach"
)

// row is what ls shows of a worker; its JSON is what --json prints.
type row struct {
	Worker     string       `json:"worker"`
	State      string       `json:"state"` // up, draining, down, denied, silent
	Error      string       `json:"error,omitempty"`
	Replicas   []replicaRow `json:"replicas"`
	Procedures []procedure  `json:"procedures"`
	AnyCommand bool         `json:"any_command"` // what isn't listed may be called, too

	named bool // on the command line: its procedures are all shown
}

type replicaRow struct {
	Socket     string  `json:"socket"`
	State      string  `json:"state"`
	Version    string  `json:"version"`
	Running    uint32  `json:"running"`
	Waiting    uint32  `json:"waiting"`
	MaxCalls   uint32  `json:"max_calls"`
	MaxQueue   uint32  `json:"max_queue"`
	Calls      uint64  `json:"calls"`
	Refused    uint64  `json:"refused"`
	Lost       uint64  `json:"lost"`
	TimedOut   uint64  `json:"timed_out"`
	Signaled   uint64  `json:"signaled"`
	UpSeconds  float64 `json:"up_seconds"`
	RTTSeconds float64 `json:"rtt_seconds"`
}

type procedure struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Summary string `json:"summary"`
	// Of a resident procedure: of all replicas that answered.
	Workers *workersRow `json:"workers,omitempty"`
	// Of a topic: at the first replica by name, where publishers and subscribers meet.
	Topic *topicRow `json:"topic,omitempty"`
}

// topicRow is how a topic is used.
type topicRow struct {
	Policy      string   `json:"policy"`
	Subscribers uint32   `json:"subscribers"`
	Publishers  uint32   `json:"publishers"`
	Records     uint64   `json:"records"`
	Dropped     uint64   `json:"dropped"`
	Stalled     []string `json:"stalled"` // subscribers that publishers wait for
}

// topicOf is how a topic is used; nil: the entry is none.
func topicOf(p client.Entry) *topicRow {
	if p.Type != "topic" {
		return nil
	}
	u := p.Topic
	return &topicRow{u.Policy, u.Subscribers, u.Publishers, u.Records, u.Dropped, u.Stalled}
}

// words say how it is used; "": it is no topic.
func (u *topicRow) words() string {
	if u == nil {
		return ""
	}
	text := fmt.Sprintf("%s: %d publishers, %d subscribers, %d records, %d dropped", printable.Line(u.Policy), u.Publishers, u.Subscribers, u.Records, u.Dropped)
	if len(u.Stalled) > 0 {
		text += ", waits for subscriber " + printable.Line(strings.Join(u.Stalled, " "))
	}
	return text
}

// workersRow is the resident workers of a procedure.
type workersRow struct {
	Wanted   uint32 `json:"wanted"`
	Warm     uint32 `json:"warm"`
	Busy     uint32 `json:"busy"`
	Restarts uint64 `json:"restarts"`
	Trouble  string `json:"trouble"`
}

// words say how they are; "": there are none.
func (w *workersRow) words() string {
	if w == nil {
		return ""
	}
	text := fmt.Sprintf("%d/%d warm, %d busy, %d restarts", w.Warm, w.Wanted, w.Busy, w.Restarts)
	if w.Trouble != "" {
		text += ": " + printable.Line(w.Trouble)
	}
	return text
}

// workersOf sums the resident workers of a procedure in a pool; nil: none has any.
func workersOf(name string, infos []client.Info) (sum *workersRow) {
	for _, i := range infos {
		for _, p := range i.Procedures {
			if p.Name != name || p.Workers.Wanted == 0 {
				continue
			}
			if sum == nil {
				sum = &workersRow{}
			}
			sum.Wanted += p.Workers.Wanted
			sum.Warm += p.Workers.Warm
			sum.Busy += p.Workers.Busy
			sum.Restarts += p.Workers.Restarts
			if sum.Trouble == "" {
				sum.Trouble = p.Workers.Trouble
			}
		}
	}
	return sum
}

// askRow asks a worker, for at most answerTime. The row of a worker that doesn't
// answer says why.
func askRow(worker string) row {
	r := row{Worker: worker, Replicas: []replicaRow{}, Procedures: []procedure{}}
	infos, err := client.List(context.Background(), worker, answerTime)
	if err != nil {
		err = adviseWorker(err, nil, noWait)
		r.State, r.Error = stateOf(err), err.Error()
		return r
	}
	r.State = "draining"
	for _, i := range infos {
		if i.State == "up" {
			r.State = "up"
		}
		r.Replicas = append(r.Replicas, replicaRow{
			Socket: i.Socket, State: i.State, Version: i.Version,
			Running: i.Load.Running, Waiting: i.Load.Waiting, MaxCalls: i.Load.MaxCalls, MaxQueue: i.Load.MaxQueue,
			Calls: i.Counters.Calls, Refused: i.Counters.Refused, Lost: i.Counters.Lost, TimedOut: i.Counters.TimedOut, Signaled: i.Counters.Signaled,
			UpSeconds: i.Counters.Up.Seconds(), RTTSeconds: i.RTT.Seconds(),
		})
	}
	r.AnyCommand = infos[0].AnyCommand
	for _, p := range infos[0].Procedures {
		r.Procedures = append(r.Procedures, procedure{p.Name, p.Type, p.Summary, workersOf(p.Name, infos), topicOf(p)})
	}
	return r
}

// The states of a worker that doesn't answer.
const (
	isDown   = "down"   // nobody serves there
	isDenied = "denied" // not for this user
	isSilent = "silent" // it takes connections, and is frozen or starved
)

// stateOf says how a worker is that didn't answer.
func stateOf(err error) string {
	var cause *reach.Cause
	errors.As(err, &cause)
	switch {
	case errors.Is(err, client.ErrDenied), cause != nil && cause.Reason == reach.Denied:
		return isDenied
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), cause != nil && cause.Reason == reach.QueueFull:
		return isSilent
	}
	return isDown
}
