// Command soak calls two real workers without pause. Meanwhile it kills callers,
// restarts daemons and cuts bridges. It fails if an answer was lost or invented,
// or if something was left behind. It doesn't measure speed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"rpcd/internal/rig"
)

func main() {
	switch filepath.Base(os.Args[0]) {
	case procedureName:
		procedure(os.Args[1:])
	case strangerName:
		beStranger(os.Args[1:])
	}
	os.Exit(rig.Main("soak", run))
}

// run makes the calls and writes the report. It fails if it couldn't do so, or if
// it found a breach.
func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	// Killed procedures write no core files.
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
		return rig.ErrInterrupted
	}
	err = o.Publish(r.String())
	if n := len(r.findings); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d findings (seed %d)", n, o.seed))
	}
	return err
}
