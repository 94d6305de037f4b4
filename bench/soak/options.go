package main

import (
	"errors"
	"math/rand/v2"
	"time"

	"rpcd/internal/rig"
)

// options are the command line.
type options struct {
	*rig.Options
	length    time.Duration
	rate      float64
	seed      uint64
	kills     float64
	strangers float64
	faults    time.Duration
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
	o := options{Options: rig.NewOptions("soak", usage)}
	o.DurationVar(&o.length, "for", time.Minute, "how `long`")
	o.Float64Var(&o.rate, "rate", 50, "`calls` a second")
	o.Uint64Var(&o.seed, "seed", 0, "`number` that chance follows from (0: a new one); what runs at once differs all the same")
	percent := o.Float64("kill", 1, "`percent` of callers that are killed")
	o.Float64Var(&o.strangers, "strangers", 0.01, "`share` of calls beside which a stranger hands a worker what hangs")
	o.DurationVar(&o.faults, "faults", 3*time.Second, "a daemon is restarted or a bridge cut so `often`, on average (0: never)")
	o.BoolVar(&o.keep, "keep", false, "leave the folder with logs and ledger")
	if err := o.Parse(args); err != nil {
		return o, err
	}
	if o.length <= 0 || o.rate <= 0 || o.faults < 0 || o.strangers < 0 || o.strangers > 1 {
		return o, errors.New("-for and -rate must be more than 0, -faults not less, -strangers from 0 to 1")
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	o.kills = *percent / 100
	return o, nil
}
