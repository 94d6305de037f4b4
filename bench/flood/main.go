// Command flood measures ordinary calls while others flood the worker with
// silent connections, questions or noise. It fails if rpcd still holds something
// after a flood. No latency makes it fail.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"rpcd/internal/rig"
)

func main() { os.Exit(rig.Main("flood", run)) }

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.attack != "" {
		return flood(o.attack, o.socket)
	}
	r := report{date: time.Now(), machine: rig.LookAround(), options: o}
	for _, name := range o.only {
		fmt.Fprintln(os.Stderr, "flood: measuring", name)
		f, err := measure(ctx, o, find(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.figures = append(r.figures, f)
	}
	r.machine.LoadAfter = rig.Load()
	err = o.Publish(r.String())
	for _, f := range r.figures {
		err = errors.Join(err, f.leftBehind())
	}
	return err
}
