// Command flood measures what an ordinary caller feels while others flood the
// worker with silence, connections or noise, and fails when the flood leaves
// something behind in rpcd. Of latencies it asserts nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"rpcd/bench/rig"
)

// init keeps main on the main thread: servers die with the thread that started
// them (see rig.Start), and this one lives as long as the process.
func init() { runtime.LockOSThread() }

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil && o.attack != "" {
		err = flood(o.attack, o.only[0])
	} else if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
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
	fmt.Print(r)
	var err error
	if o.markdown != "" {
		err = rig.WriteMarkdown(o.markdown, "flood", r.String())
	}
	for _, f := range r.figures {
		err = errors.Join(err, f.leftBehind())
	}
	return err
}
