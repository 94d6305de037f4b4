package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	rounds    int
	phase     time.Duration
	only      []string
	markdown  string
	rpc, rpcd string

	attack string // this process is the flooder
}

const usage = `usage: go run ./bench/flood [OPTION...]

Measures an ordinary call (rpc WORKER true) while others flood the worker, in
turns with quiet, and what the floods leave behind in rpcd. Run it from the
repository's root, after building ./bin/rpc and ./bin/rpcd. Latencies are
figures; anything left behind is exit status 1.

`

// parse reads args. Its error is flag.ErrHelp after -h.
func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("flood", flag.ContinueOnError)
	set.Usage = func() { fmt.Fprint(set.Output(), usage); set.PrintDefaults() }
	set.IntVar(&o.rounds, "rounds", 3, "`rounds` of quiet and flood, of each flood")
	set.DurationVar(&o.phase, "phase", 12*time.Second, "how `long` a flood is measured in a round; the quiet half as long")
	quick := set.Bool("quick", false, "one round of 3 s each")
	only := set.String("only", strings.Join(names(), ";"), "`floods` to measure, semicolons between")
	set.StringVar(&o.markdown, "markdown", "", "put the figures between the marks in `file`")
	set.StringVar(&o.rpc, "rpc", "bin/rpc", "`file` of the client")
	set.StringVar(&o.rpcd, "rpcd", "bin/rpcd", "`file` of the daemon")
	set.StringVar(&o.attack, "attack", "", "be the flooder `name`, at the socket that follows (what flood runs)")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if o.attack != "" {
		if set.NArg() != 1 || find(o.attack) == nil {
			return o, errors.New("-attack takes a flood's name and a socket")
		}
		o.only = set.Args() // the socket
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
	if set.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if o.rounds < 1 || o.phase < time.Second {
		return o, errors.New("-rounds must be at least 1, -phase at least 1s")
	}
	var err error
	if o.rpc, err = filepath.Abs(o.rpc); err == nil {
		o.rpcd, err = filepath.Abs(o.rpcd)
	}
	return o, err
}
