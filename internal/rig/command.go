package rig

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// ErrInterrupted is the error of a program of bench that was told to end, after
// it has ended what it started.
var ErrInterrupted = errors.New("interrupted; everything started was ended")

// Main runs a program of bench with its arguments, and gives its exit status.
// ctx is canceled by INT, TERM and HUP.
func Main(program string, run func(ctx context.Context, args []string) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, os.Args[1:])
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
	return 1
}

// Options are the command line that every program of bench has; each adds its
// own flags.
type Options struct {
	*flag.FlagSet
	RPC, RPCD string // absolute paths of the binaries, after Parse

	markdown string
}

// NewOptions makes the options of a program, whose help begins with usage.
func NewOptions(program, usage string) *Options {
	o := &Options{FlagSet: flag.NewFlagSet(program, flag.ContinueOnError)}
	o.Usage = func() { fmt.Fprint(o.Output(), usage); o.PrintDefaults() }
	o.StringVar(&o.markdown, "markdown", "", "put the figures between the marks in `file`")
	o.StringVar(&o.RPC, "rpc", "bin/rpc", "`file` of the client")
	o.StringVar(&o.RPCD, "rpcd", "bin/rpcd", "`file` of the daemon")
	return o
}

// Parse reads args, all of which must be flags. Its error is flag.ErrHelp after
// -h.
func (o *Options) Parse(args []string) (err error) {
	if err := o.FlagSet.Parse(args); err != nil {
		return err
	}
	if o.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", o.Arg(0))
	}
	if o.RPC, err = filepath.Abs(o.RPC); err == nil {
		o.RPCD, err = filepath.Abs(o.RPCD)
	}
	return err
}

// Publish prints a report, and puts it into the file that -markdown names.
func (o *Options) Publish(report string) error {
	fmt.Print(report)
	if o.markdown == "" {
		return nil
	}
	return writeMarkdown(o.markdown, o.Name(), report)
}
