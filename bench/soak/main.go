// Command soak keeps two real workers under calls while callers are killed,
// daemons restarted and bridges cut, and fails when an answer was lost or
// invented, or anything was left behind. It measures no speed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"rpcd/bench/rig"
)

// init keeps main on the main thread: servers die with the thread that started
// them (see rig.Start), and this one lives as long as the process.
func init() { runtime.LockOSThread() }

func main() {
	if filepath.Base(os.Args[0]) == procedureName {
		procedure(os.Args[1:])
	}
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// run soaks and writes the report. Its error is what was in the way, or that
// something was found.
func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// No core files of procedures that are killed.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	fmt.Fprintf(os.Stderr, "soak: %v at %g calls a second, seed %d\n", o.length, o.rate, o.seed)
	st, err := newStage(o)
	if err != nil {
		return err
	}
	defer st.close()
	r, err := soak(ctx, st)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; everything started was ended")
	}
	fmt.Print(r)
	if o.markdown != "" {
		err = rig.WriteMarkdown(o.markdown, "soak", r.String())
	}
	if n := len(r.findings); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d findings (seed %d)", n, o.seed))
	}
	return err
}
