package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rpcd/internal/rig"
)

// options are the command line.
type options struct {
	*rig.Options
	rounds int
	phase  time.Duration
	only   []string

	attack, socket string // set in the flooder, which is a process of its own
}

const usage = `usage: go run ./bench/flood [OPTION...]

Measures an ordinary call (rpc WORKER true) while others flood the worker, in
turns with quiet, and what the floods leave behind in rpcd. Run it from the
repository's root, after building ./bin/rpc and ./bin/rpcd. Latencies are
figures; anything left behind is exit status 1.

`

// parse reads args. Its error is flag.ErrHelp after -h.
func parse(args []string) (options, error) {
	o := options{Options: rig.NewOptions("flood", usage)}
	o.IntVar(&o.rounds, "rounds", 3, "`rounds` of quiet and flood, of each flood")
	o.DurationVar(&o.phase, "phase", 12*time.Second, "how `long` a flood is measured in a round; the quiet half as long")
	quick := o.Bool("quick", false, "one round of 3 s each")
	only := o.String("only", strings.Join(names(), ";"), "`floods` to measure, semicolons between")
	o.StringVar(&o.attack, "attack", "", "be the flooder `name`, at -socket (what flood runs)")
	o.StringVar(&o.socket, "socket", "", "`path` of the worker's socket, for -attack")
	if err := o.Parse(args); err != nil {
		return o, err
	}
	if o.attack != "" {
		if o.socket == "" || find(o.attack) == nil {
			return o, errors.New("-attack takes a flood's name, and -socket with it")
		}
		return o, nil
	}
	if *quick {
		o.rounds, o.phase = 1, 3*time.Second
	}
	for name := range strings.SplitSeq(*only, ";") {
		if find(name) == nil {
			return o, fmt.Errorf("no flood %q (there are: %s)", name, strings.Join(names(), ", "))
		}
		o.only = append(o.only, name)
	}
	if o.rounds < 1 || o.phase < time.Second {
		return o, errors.New("-rounds must be at least 1, -phase at least 1s")
	}
	return o, nil
}
