package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// options are the command line.
type options struct {
	length    time.Duration
	rate      float64
	seed      uint64
	kills     float64
	faults    time.Duration
	markdown  string
	rpc, rpcd string
	keep      bool
}

const usage = `usage: go run ./bench/soak [OPTION...]

Calls real workers without pause while callers are killed, daemons restarted
and bridges cut, then compares what callers were told with what procedures
wrote down. Run it from the repository's root, after building ./bin/rpc and
./bin/rpcd. Exit status 1: something was lost, invented or left behind.

`

// parse reads args. Its error is flag.ErrHelp after -h.
func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	set.Usage = func() { fmt.Fprint(set.Output(), usage); set.PrintDefaults() }
	set.DurationVar(&o.length, "for", time.Minute, "how `long`")
	set.Float64Var(&o.rate, "rate", 50, "`calls` a second")
	set.Uint64Var(&o.seed, "seed", 0, "`number` that chance follows from (0: a new one); what runs at once differs all the same")
	percent := set.Float64("kill", 1, "`percent` of callers that are killed")
	set.DurationVar(&o.faults, "faults", 3*time.Second, "a daemon is restarted or a bridge cut so `often`, on average (0: never)")
	set.StringVar(&o.markdown, "markdown", "", "put the figures between the marks in `file`")
	set.StringVar(&o.rpc, "rpc", "bin/rpc", "`file` of the client")
	set.StringVar(&o.rpcd, "rpcd", "bin/rpcd", "`file` of the daemon")
	set.BoolVar(&o.keep, "keep", false, "leave the folder with logs and ledger")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if o.length <= 0 || o.rate <= 0 || o.faults < 0 {
		return o, errors.New("-for and -rate must be more than 0, -faults not less")
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	o.kills = *percent / 100
	var err error
	if o.rpc, err = filepath.Abs(o.rpc); err == nil {
		o.rpcd, err = filepath.Abs(o.rpcd)
	}
	return o, err
}
