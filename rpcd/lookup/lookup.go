// Package lookup finds what a call needs of the worker's files: its procedure, what
// runs that, and its directory. It decides nothing: packages export, run and directory do.
package lookup

import (
	"context"

	"rpcd/rpcd/child"
	"rpcd/rpcd/directory"
	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/run"
)

// Lookup is what is to be found.
type Lookup struct {
	Source    export.Source
	Slots     *limit.Slots
	Runners   *run.Runners
	Caller    export.Caller
	Procedure string
	Place     directory.Choice                  // without As, and with serve's workdir alone
	As        func() (*child.Credential, error) // gives the user that the call runs as
}

// Found is what was found. Its Place is the caller's to close.
type Found struct {
	Procedure *export.Procedure
	Runner    run.Runner
	Place     *directory.Place
	As        *child.Credential
}

// Run looks, while few others do. A file system that hangs holds it up until ctx ends:
// the look is left behind then, and costs a thread until it ends. The error is ctx's,
// a *limit.StuckError, As's, or of export or directory.
func (l Lookup) Run(ctx context.Context) (*Found, error) {
	type result struct {
		found *Found
		err   error
	}
	results := make(chan result, 1)
	go func() {
		f, err := l.run(ctx)
		results <- result{f, err}
	}()
	select {
	case r := <-results:
		return r.found, r.err
	case <-ctx.Done():
		go func() {
			if r := <-results; r.err == nil {
				r.found.Place.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func (l Lookup) run(ctx context.Context) (*Found, error) {
	give, err := l.Slots.Take(ctx, l.Caller.UID)
	if err != nil {
		return nil, err
	}
	defer give()
	f := &Found{}
	if f.Procedure, err = l.Source.Lookup(l.Procedure, l.Caller); err != nil {
		return nil, l.Runners.Unfound(l.Procedure, err)
	}
	if f.As, err = l.As(); err != nil {
		return nil, err
	}
	l.Place.As = f.As
	l.Place.Workdirs = append([]string{f.Procedure.Workdir}, l.Place.Workdirs...)
	if f.Place, err = l.Place.Open(); err != nil {
		return nil, err
	}
	if err := f.Procedure.LookIn(f.Place); err != nil {
		f.Place.Close()
		return nil, err
	}
	f.Runner = l.Runners.For(f.Procedure)
	return f, nil
}
