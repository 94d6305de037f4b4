// Command bench measures the cost of a call. It compares calls with local spawns
// and with other tools that run a command in another process. It says which of
// the project's goals are met. Its servers listen only on UNIX sockets in its own
// folder and on 127.0.0.1.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"rpcd/internal/rig"
)

func main() { os.Exit(rig.Main("bench", run)) }

// run measures and writes the report. It fails if it couldn't measure, and with
// -strict also for each of the shortfalls.
func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // inTurns collects garbage between the calls instead
	r := report{Date: time.Now().Format(time.DateTime), Machine: rig.LookAround(), Options: o}
	if r.Rows, err = measureAll(ctx, o); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return rig.ErrInterrupted
	}
	judge(r.Rows)
	r.Machine.LoadAfter = rig.Load()
	worse, err := r.worseThan(o.before)
	err = errors.Join(err, o.Publish(r.String()))
	for _, w := range worse {
		fmt.Println("Worse than in", o.before+":", w)
	}
	if o.plots != "" {
		err = errors.Join(err, r.writePlots(o.plots))
	}
	if o.json != "" {
		err = errors.Join(err, r.writeJSON(o.json))
	}
	if lacks := shortfalls(r.Rows); o.strict && len(lacks) > 0 {
		for _, lack := range lacks {
			fmt.Fprintln(os.Stderr, "bench:", lack)
		}
		err = errors.Join(err, fmt.Errorf("%d shortfalls", len(lacks)))
	}
	return err
}

// measureAll starts the servers, measures the sections that were asked for, and
// removes everything.
func measureAll(ctx context.Context, o options) ([]row, error) {
	s, err := newSpawner(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	fmt.Fprintln(os.Stderr, "bench: starting the worker and the peers")
	st, err := newStage(s, o)
	if err != nil {
		return nil, err
	}
	defer st.close()
	measures := map[string]func(*stage) []row{
		"latency": measureLatency, "throughput": measureThroughput,
		"concurrency": measureConcurrency, "memory": measureMemory, "bridges": measureBridges,
		"warm": measureWarm, "arrays": measureArrays, "map": measureJobs,
		"topics": measureTopics,
	}
	var rows []row
	for _, section := range sections {
		if slices.Contains(o.Only, section) && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "bench: measuring", section)
			rows = append(rows, measures[section](st)...)
		}
	}
	return rows, nil
}
