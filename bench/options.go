package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rpcd/internal/rig"
)

// options are the command line. Rounds counts the rounds of latency, and Calls
// the calls of a round. Only -quick changes the other numbers.
type options struct {
	Rounds    int      `json:"rounds"`
	Calls     int      `json:"calls"`
	Transfers int      `json:"transfers"` // rounds of throughput
	Floods    int      `json:"floods"`    // rounds of each concurrency
	Load      int      `json:"load"`      // calls before the daemon's memory is read again
	Size      int64    `json:"size"`      // bytes of throughput's file, if RAM has them
	Quick     bool     `json:"quick"`
	Only      []string `json:"only"`

	*rig.Options `json:"-"`
	strict       bool
	json         string
	before       string
	plots        string
}

// sections are the parts of the report, in the order of measuring.
var sections = []string{"latency", "throughput", "concurrency", "memory", "bridges", "warm", "arrays", "map", "topics"}

const usage = `usage: go run ./bench [OPTION...]

Measures calls of rpc against local spawns and other ways to have another
process run a command, in turns, and prints the ratios. Run it from the
repository's root, after building ./bin/rpc and ./bin/rpcd.

`

// parse reads args. Its error is flag.ErrHelp after -h.
func parse(args []string) (options, error) {
	o := options{Options: rig.NewOptions("bench", usage)}
	o.IntVar(&o.Rounds, "rounds", 25, "`rounds` of latency")
	o.IntVar(&o.Calls, "n", 20, "`calls` of each way in a round of latency")
	megabytes := o.Int64("size", 1024, "`MiB` of the file for throughput")
	o.BoolVar(&o.Quick, "quick", false, "about a minute: few rounds, for a smoke test")
	o.BoolVar(&o.strict, "strict", false, "exit status 1 when a goal isn't met or a way fails")
	only := o.String("only", strings.Join(sections, ","), "`sections` to measure")
	o.StringVar(&o.json, "json", "", "write all figures to `file`")
	o.StringVar(&o.before, "before", "bench/last.json", "tell which ratios are worse than in this `file` of -json; empty: none")
	o.StringVar(&o.plots, "plots", "", "write pictures (SVG) into `folder`")
	if err := o.Parse(args); err != nil {
		return o, err
	}
	o.Transfers, o.Floods, o.Load, o.Size = 10, 8, 10_000, *megabytes<<20
	if o.Quick {
		o.Rounds, o.Calls = min(o.Rounds, 5), min(o.Calls, 6)
		o.Transfers, o.Floods, o.Load, o.Size = 3, 3, 1000, min(o.Size, 256<<20)
	}
	o.Only = strings.Split(*only, ",")
	return o, o.check()
}

func (o *options) check() error {
	for _, section := range o.Only {
		if !slices.Contains(sections, section) {
			return fmt.Errorf("no section %q (there are: %s)", section, strings.Join(sections, ", "))
		}
	}
	if o.Rounds < 1 || o.Calls < 1 || o.Size < 1<<20 {
		return errors.New("-rounds, -n and -size must be at least 1")
	}
	return nil
}
